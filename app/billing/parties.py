"""Who issues and who is billed, as their documents say it. The caller acts as the platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.billing.assessment import Buyer, Seller
from app.billing.documents import Bank, Party
from app.billing.invoice_models import BillingProfile
from app.core.errors import Conflict
from app.organizations.models import Organization

USUAL_TERMS = 30  # days, while an organization has no billing details


@dataclass(frozen=True, slots=True)
class Issuer:
    """The platform, with how its services are taxed."""

    id: UUID
    party: Party
    seller: Seller
    prefix: str
    service_code: str
    service_rate_bps: int
    bank: Bank | None


@dataclass(frozen=True, slots=True)
class Billed:
    """An organization that buys."""

    id: UUID
    party: Party
    buyer: Buyer
    reference: str
    terms_days: int


def issuer(session: Session) -> Issuer:
    """Raises Conflict while the platform has not said who it is on documents."""
    row = session.execute(_ROWS.where(Organization.is_house)).one_or_none()
    profile: BillingProfile | None = row.BillingProfile if row else None
    if row is None or profile is None:
        raise Conflict("The platform has no billing details yet. An admin writes them under Billing.")
    bank = Bank(profile.legal_name, profile.bank_account, profile.bank_code, profile.bank_name)
    return Issuer(
        id=row.Organization.id, party=_party(row.Organization, profile),
        seller=Seller(profile.country, profile.region, profile.tax_id, profile.undertaking), prefix=profile.prefix,
        service_code=profile.service_code, service_rate_bps=profile.service_rate_bps,
        bank=bank if profile.bank_account else None,
    )  # fmt: skip


def billed(session: Session, organization_ids: Sequence[UUID]) -> Mapping[UUID, Billed]:
    """Those asked for; one that wrote no billing details is billed by its name and country."""
    rows = session.execute(_ROWS.where(Organization.id.in_(organization_ids)))
    return {row.Organization.id: _billed(row.Organization, row.BillingProfile) for row in rows}


def terms_of(session: Session, organization_id: UUID) -> int:
    """In how many days its invoices are due."""
    query = select(BillingProfile.terms_days).where(BillingProfile.organization_id == organization_id)
    found = session.scalar(query)
    return USUAL_TERMS if found is None else found


_ROWS = select(Organization, BillingProfile).outerjoin(
    BillingProfile, BillingProfile.organization_id == Organization.id
)  # fmt: skip


def _billed(organization: Organization, profile: BillingProfile | None) -> Billed:
    party = _party(organization, profile)
    zone = profile is not None and profile.special_zone
    return Billed(
        organization.id, party, Buyer(party.country, party.region, party.tax_id, zone),
        profile.reference if profile else "", profile.terms_days if profile else USUAL_TERMS,
    )  # fmt: skip


def _party(organization: Organization, profile: BillingProfile | None) -> Party:
    if profile is None:
        return Party(
            organization.legal_name or organization.name, organization.country or "US",
            email=organization.billing_email or "",
        )  # fmt: skip
    return Party(
        profile.legal_name, profile.country, profile.street, profile.city, profile.postcode, profile.region,
        profile.tax_id, profile.email or organization.billing_email or "",
    )  # fmt: skip
