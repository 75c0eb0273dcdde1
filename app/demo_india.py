"""The platform before it moved to Paris: it billed from Bengaluru, with GST. Two colleges bought credits for a pricing
workshop, one in the issuer's own state (CGST and SGST) and one in another (IGST).
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.billing import modes, packs, profiles, settling
from app.billing.profiles import Details, Issuing
from app.charges.states import ChargeProvider
from app.consultations import credits
from app.consultations.profile_models import ConsultantProfile, Offering
from app.core import clock
from app.core.clock import utc_now
from app.core.scope import SYSTEM, Actor, operator
from app.db.session import ScopedSession
from app.identity import service as identity
from app.identity.states import Portal
from app.organizations import service as organizations
from app.organizations.states import BillingMode, Role

ISSUER = Details(
    "Quittance Technologies Private Limited", "IN", "14 Residency Road", "Bengaluru", "560025", "29", "29AAACA1234A1ZG"
)
ISSUING = Issuing("QI", "998311", 1800, True, "Example Bank of India", "EXMP0000014", "001122334455")
KAVERI = Details("Kaveri Institute of Design", "IN", "8 Brigade Road", "Bengaluru", "560001", "29", "29AAGCK4321B1ZW")
SAHYADRI = Details("Sahyadri College Trust", "IN", "21 Fergusson Road", "Pune", "411004", "27", "27AAPFU0939F1ZV")
AGO = timedelta(days=150)


def load(session: ScopedSession, admin: Actor, consultant_slug: str) -> None:
    """After who provides in India; before the platform issues from elsewhere."""
    profiles.save_issuer(session, admin, ISSUER, email="billing@quittance.test", reference="", issuing=ISSUING)
    workshop = session.scalars(
        select(Offering.id)
        .join(ConsultantProfile, ConsultantProfile.payee_id == Offering.payee_id)
        .where(ConsultantProfile.slug == consultant_slug, Offering.currency == "INR")
    ).first()
    assert workshop is not None
    sold = credits.sold(session, workshop)
    kaveri = _owner(session, admin, "Kaveri Institute", "kaveri", "Divya Rao", KAVERI)
    sahyadri = _owner(session, admin, "Sahyadri College", "sahyadri", "Aditya Joshi", SAHYADRI)
    assert kaveri.organization_id is not None and sahyadri.organization_id is not None
    with clock.at(utc_now() - AGO):
        ordered, _charge = packs.buy(
            session, kaveri, kaveri.organization_id, sold, 10, ChargeProvider.FUNDS, by_invoice=True
        )
        _pack, charge = packs.buy(session, sahyadri, sahyadri.organization_id, sold, 5, ChargeProvider.SIMULATED)
        packs.paid(session, SYSTEM, charge.id)
    assert ordered.invoice_id is not None
    with clock.at(utc_now() - AGO + timedelta(days=9)):
        invoice = settling.locked(session, ordered.invoice_id)
        settling.transferred(
            session, admin, invoice.id, amount=invoice.open, reference=f"NEFT {invoice.number}",
            received_on=utc_now().date(),
        )  # fmt: skip
        packs.granted(session, SYSTEM, invoice.id)


def _owner(session: ScopedSession, admin: Actor, name: str, slug: str, person: str, details: Details) -> Actor:
    made = organizations.create(
        session, operator(), name=name, slug=slug, currency="INR", time_zone="Asia/Kolkata", country="IN",
        billing_email=f"accounts@{slug}.test",
    )  # fmt: skip
    email = f"owner@{slug}.test"
    account_id = identity.create_account(session, Portal.ORG, email, person, time_zone="Asia/Kolkata")
    organizations.add_member(
        session, operator(), made.id, account_id=account_id, name=person, email=email, role=Role.OWNER
    )
    modes.set_mode(session, admin, made.id, BillingMode.SEAT_PACK)
    owner = Actor(person, Role.OWNER.value, account_id, made.id, rank=Role.OWNER.rank)
    profiles.save(session, owner, made.id, details)
    return owner
