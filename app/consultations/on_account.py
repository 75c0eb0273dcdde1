"""Booking on the account of an organization: who may, as what, and whether its funds are enough."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.billing import invoice_queries
from app.charges import cover
from app.charges.client_models import Charge
from app.charges.states import ChargeProvider
from app.consultations import money, payments
from app.consultations.models import Consultation
from app.consultations.states import PaidBy
from app.core.errors import Conflict, Invalid
from app.core.money import Money
from app.core.scope import ROLE_PERMISSIONS, Actor, Permission
from app.db.paging import AnyRow
from app.db.session import ScopedSession
from app.identity.models import Account
from app.organizations import queries as organizations
from app.organizations.queries import Membership

FIELD = "buyer_organization_id"


def membership(session: ScopedSession, email: str, organization_id: UUID) -> Membership:
    """Of who reads an address. Raises Invalid."""
    found = organizations.memberships_of_address(session, email)
    mine = next((one for one in found if one.organization_id == organization_id), None)
    if mine is None:
        raise Invalid("You are no member of this organization.", fields={FIELD: "Choose yours."})
    return mine


def check(session: ScopedSession, email: str, paid_by: PaidBy, buyer_id: UUID | None) -> Membership | None:
    """Members may name their organization; what it pays for them, `payments` says. Theirs; None where none is named.

    Raises Invalid.
    """
    if (paid_by is PaidBy.CARD) != (buyer_id is None):
        raise Invalid("Say for which organization it is.", fields={FIELD: "Choose one."})
    if buyer_id is None:
        return None
    mine = membership(session, email, buyer_id)
    if paid_by not in payments.ways(mine):
        sentence = payments.why_not(mine, paid_by)
        raise Invalid(sentence, fields={FIELD: sentence})
    return mine


def check_covered(session: ScopedSession, paid_by: PaidBy, buyer_id: UUID | None, price: Money) -> None:
    """Before a time is kept that could not be paid. Raises Conflict with what is left; it is asked again to pay."""
    if paid_by is not PaidBy.INVOICE or buyer_id is None or not price:
        return
    try:
        cover.check(session, buyer_id, price)
    except Conflict as short:
        raise Conflict(short.message, fields={FIELD: short.message}) from None


def pay(session: ScopedSession, actor: Actor, booked: Consultation) -> Charge:
    """From the funds, for somebody who (still) may; again, it is the same charge. Raises Invalid, Conflict."""
    with session.elevated("who pays by the funds of an organization"):
        account = session.get_one(Account, booked.client_account_id)
        check(session, account.email, booked.paid_by, booked.buyer_organization_id)
    return money.charge(session, actor, booked, ChargeProvider.FUNDS)


def papers(session: ScopedSession, charge: Charge) -> tuple[Membership, Sequence[AnyRow]] | None:
    """The invoice that a booking is on and the credit notes of what went back, with the client's membership of who was
    billed; None for a client who does not read that organization's invoices."""
    if charge.buyer_organization_id is None:
        return None
    with session.elevated("the documents of a booking, for who reads the buyer's invoices"):
        email = session.get_one(Account, charge.client_account_id).email
        found = organizations.memberships_of_address(session, email)
        mine = next((one for one in found if one.organization_id == charge.buyer_organization_id), None)
        if mine is None or Permission.BILLING_READ not in ROLE_PERMISSIONS[mine.role.value]:
            return None
        return mine, invoice_queries.of_charge(session, charge.id)
