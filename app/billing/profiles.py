"""What an organization says of itself on documents, kept by its own people; and how the platform issues them.

What was issued keeps what it said: documents are frozen.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy import select, update

from app.audit import service as audit
from app.billing import taxing
from app.billing.indian_states import STATES
from app.billing.invoice_models import BillingProfile
from app.core.countries import countries
from app.core.errors import Invalid, NotFound
from app.core.rates import WHOLE_BPS
from app.core.scope import Actor, Permission
from app.db import locks
from app.db.session import ScopedSession
from app.db.types import new_id
from app.identity.rules import normal_email
from app.organizations.models import Organization

INDIA = "IN"
TERMS = (0, 7, 14, 30)  # days an organization can choose by itself; more is agreed with the platform
_PREFIX = re.compile(r"[A-Z0-9]{1,4}")  # India's numbers have 16 characters at most, year, kind and serial among them
_ACCOUNT = re.compile(r"[A-Z0-9]{4,34}")


@dataclass(frozen=True, slots=True)
class Details:
    """Who is billed. `region`: of India the code of a state, elsewhere free; `special_zone`: a registered SEZ unit."""

    legal_name: str
    country: str
    street: str = ""
    city: str = ""
    postcode: str = ""
    region: str = ""
    tax_id: str = ""
    special_zone: bool = False


@dataclass(frozen=True, slots=True)
class Issuing:
    """How the platform's own services are numbered, taxed and paid. `undertaking`: India's LUT for exports."""

    prefix: str
    service_code: str
    service_rate_bps: int
    undertaking: bool
    bank_name: str
    bank_code: str
    bank_account: str


def find(session: ScopedSession, organization_id: UUID) -> BillingProfile | None:
    """None while nothing was written. The logo is read on its own."""
    return session.scalar(select(BillingProfile).where(BillingProfile.organization_id == organization_id))


def logo(session: ScopedSession, organization_id: UUID) -> tuple[bytes, str]:
    """The picture and its SHA-256. Raises NotFound."""
    row = session.execute(
        select(BillingProfile.logo, BillingProfile.logo_sha256).where(BillingProfile.organization_id == organization_id)
    ).one_or_none()
    if row is None or row.logo is None:
        raise NotFound("There is no logo.")
    return row.logo, row.logo_sha256


def save(
    session: ScopedSession, actor: Actor, organization_id: UUID, details: Details, *, address_follows: bool = False
) -> BillingProfile:
    """Write the details, the first time with the usual terms. Raises Forbidden, Invalid beside each field.

    `address_follows`: in India without a state, too: the supply is in the supplier's own while there is no address.
    """
    _may(actor, organization_id)
    wanted = asdict(_checked(details, address_follows))
    locks.hold(session, "billing profile", str(organization_id))
    found = find(session, organization_id)
    if found is None:
        found = BillingProfile(id=new_id(), organization_id=organization_id, **wanted)
        session.add(found)
        changed = sorted(wanted)
    else:
        changed = _apply(found, wanted)
    _note(session, actor, organization_id, "billing.details", changed)
    return found


def set_contact(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    *,
    email: str,
    reference: str,
    terms_days: int | None = None,
) -> None:
    """Where invoices are mailed, what the organization wants printed on them, and (None: as it is) when they are due.

    Raises Forbidden, NotFound before the details are there, Invalid.
    """
    _may(actor, organization_id)
    wanted: dict[str, object] = {"email": _email(email), "reference": " ".join(reference.split())[:100]}
    if terms_days is not None:
        if terms_days not in TERMS and not actor.can(Permission.PLATFORM):
            sentence = "Choose one of the terms; others are agreed with the platform."
            raise Invalid(sentence, fields={"terms_days": sentence})
        wanted["terms_days"] = terms_days
    _note(session, actor, organization_id, "billing.contact", _apply(_there(session, organization_id), wanted))


def set_logo(session: ScopedSession, actor: Actor, organization_id: UUID, picture: bytes | None) -> None:
    """A picture drawn by `app.files.pictures.logo`; None takes it away. Raises Forbidden, NotFound."""
    _may(actor, organization_id)
    profile = _there(session, organization_id)
    digest = None if picture is None else hashlib.sha256(picture).hexdigest()
    if digest == profile.logo_sha256:
        return
    session.execute(
        update(BillingProfile)
        .where(BillingProfile.organization_id == organization_id)
        .values(logo=picture, logo_sha256=digest)
    )
    _note(session, actor, organization_id, "billing.logo", ["logo"])


def save_issuer(
    session: ScopedSession, actor: Actor, details: Details, *, email: str, reference: str, issuing: Issuing
) -> UUID:
    """Who the platform is on its documents from now on; returns the house. Needs a platform scope.

    Raises Forbidden, NotFound without a house, Invalid.
    """
    actor.require(Permission.PLATFORM)
    house = house_of(session)
    checked = _checked_issuing(details.country, issuing)
    save(session, actor, house, details)
    set_contact(session, actor, house, email=email, reference=reference)
    _note(session, actor, house, "billing.issuer", _apply(_there(session, house), asdict(checked)))
    return house


def house_of(session: ScopedSession) -> UUID:
    """The platform as an organization. Raises NotFound."""
    found = session.scalar(select(Organization.id).where(Organization.is_house))
    if found is None:
        raise NotFound("The platform has no organization of its own.")
    return found


def _may(actor: Actor, organization_id: UUID) -> None:
    actor.require(Permission.ORGANIZATION_SETTINGS)
    actor.require_organization(organization_id)


def _there(session: ScopedSession, organization_id: UUID) -> BillingProfile:
    found = find(session, organization_id)
    if found is None:
        raise NotFound("Write the billing details first.")
    return found


def _apply(profile: BillingProfile, wanted: dict[str, object]) -> list[str]:
    changed = [name for name, value in wanted.items() if getattr(profile, name) != value]
    for name in changed:
        setattr(profile, name, wanted[name])
    return sorted(changed)


def _note(session: ScopedSession, actor: Actor, organization_id: UUID, action: str, changed: list[str]) -> None:
    session.flush()
    if changed:
        audit.record(
            session, actor, action, "organization", organization_id, organization_id=organization_id, changed=changed
        )


def _email(text: str) -> str:
    return normal_email(text) if text.strip() else ""


def _checked(details: Details, address_follows: bool = False) -> Details:
    wrong: dict[str, str] = {}
    said = {name: " ".join(str(value).split()) for name, value in asdict(details).items() if name != "special_zone"}
    if not said["legal_name"]:
        wrong["legal_name"] = "Give the name documents are made out to."
    if said["country"] not in countries():
        wrong["country"] = "Choose a country."
    try:
        said["tax_id"] = taxing.tax_number(said["country"], said["tax_id"])
    except Invalid as refusal:
        wrong["tax_id"] = refusal.message
    later = address_follows and not (said["region"] or said["tax_id"] or details.special_zone)
    if said["country"] == INDIA and not wrong and not later:
        wrong |= _indian(said["region"], said["tax_id"], details.special_zone)
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)
    return Details(**said, special_zone=details.special_zone and said["country"] == INDIA)


def _indian(region: str, gstin: str, special_zone: bool) -> dict[str, str]:
    """The place of supply follows from the state, so it is named and fits the number."""
    if region not in STATES:
        return {"region": "Choose the state or territory."}
    if gstin and gstin[:2] != region:
        return {"tax_id": f"This GSTIN belongs to {STATES[gstin[:2]]}, the address to {STATES[region]}."}
    if special_zone and not gstin:
        return {"special_zone": "A unit of a special economic zone is registered: give its GSTIN."}
    return {}


def _checked_issuing(country: str, issuing: Issuing) -> Issuing:
    wrong: dict[str, str] = {}
    prefix = issuing.prefix.strip().upper()
    code = issuing.service_code.strip()
    account, bank_code = (re.sub(r"[\s-]", "", text).upper() for text in (issuing.bank_account, issuing.bank_code))
    if not _PREFIX.fullmatch(prefix):
        wrong["prefix"] = "One to four capital letters or digits."
    if not 0 <= issuing.service_rate_bps <= WHOLE_BPS:
        wrong["service_rate"] = "A rate lies between 0 % and 100 %."
    if country == INDIA and not re.fullmatch(r"99\d{2,4}", code):
        wrong["service_code"] = "A SAC has four to six digits and begins with 99."
    if account and not _ACCOUNT.fullmatch(account):
        wrong["bank_account"] = "Letters and digits, at most 34."
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)
    return Issuing(
        prefix, code[:20], issuing.service_rate_bps, issuing.undertaking and country == INDIA,
        " ".join(issuing.bank_name.split())[:100], bank_code[:20], account,
    )  # fmt: skip
