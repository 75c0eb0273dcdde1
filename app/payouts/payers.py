"""Who pays a payout: the organization it is of; the platform, when it pays an organization what that earned itself."""

from __future__ import annotations

from sqlalchemy import select

from app.billing.indian_states import STATES
from app.billing.invoice_models import BillingProfile
from app.db.session import ScopedSession
from app.organizations.models import Organization
from app.pdf.documents import Party
from app.rails.check import address_lines

PLATFORM = "Quittance"  # until the platform has an organization of its own
# Of organization `o` and payee `y`: the name the payee reads on the bank statement.
NAME = f"""CASE WHEN y.own_organization_id IS NULL THEN o.name
    ELSE coalesce((SELECT h.name FROM organizations h WHERE h.is_house), '{PLATFORM}') END"""


def platform(session: ScopedSession) -> tuple[Party, str]:
    """The platform as its documents name it, and the address for questions. The caller's scope may be anybody's."""
    with session.elevated("a payout to an organization names the platform that pays it"):
        query = select(Organization, BillingProfile).outerjoin(
            BillingProfile, BillingProfile.organization_id == Organization.id
        )
        found = session.execute(query.where(Organization.is_house)).one_or_none()
        if found is None:
            return Party(PLATFORM), ""
        house: Organization = found.Organization
        profile: BillingProfile | None = found.BillingProfile
        email = (profile.email if profile else "") or house.billing_email or ""
        if profile is None:
            lines = address_lines({"country": house.country or "", **(house.address or {})})
            return Party(house.legal_name or house.name, lines + ((email,) if email else ())), email
        place = {
            "address_1": profile.street, "city": profile.city,
            "region": STATES.get(profile.region, profile.region) if profile.country == "IN" else profile.region,
            "postal_code": profile.postcode, "country": profile.country,
        }  # fmt: skip
        return Party(profile.legal_name, address_lines(place) + ((email,) if email else ())), email
