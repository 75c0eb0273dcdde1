"""Who the payer of a bank file is: written by the platform's people, checked, its accounts sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.crypto import open_sealed, seal
from app.core.errors import NotFound
from app.core.scope import Actor, Permission
from app.db import locks
from app.db.paging import AnyRow
from app.db.types import SealedText, new_id
from app.organizations.models import Organization
from app.payouts.bank_models import BankProfile
from app.rails import originators
from app.rails.originators import ProfileKind


@dataclass(frozen=True, slots=True)
class Payer:
    """A profile with its secrets, for making a file. `owner_id`: the organization it was written for."""

    owner_id: UUID
    values: Mapping[str, str]


def house_of(session: Session) -> UUID:
    """The platform as an organization. Raises NotFound."""
    found = session.scalar(select(Organization.id).where(Organization.is_house))
    if found is None:
        raise NotFound("The platform has no organization of its own.")
    return found


def find(session: Session, organization_id: UUID, kind: ProfileKind) -> BankProfile | None:
    query = select(BankProfile).where(BankProfile.organization_id == organization_id, BankProfile.kind == kind)
    return session.scalar(query)


def listed(session: Session) -> Sequence[AnyRow]:
    """kind, shown, changed_by, changed_at, slug, name, is_house: every profile, the platform's first."""
    return session.execute(
        select(
            BankProfile.kind, BankProfile.shown, BankProfile.changed_by, BankProfile.changed_at, Organization.slug,
            Organization.name, Organization.is_house,
        )
        .join(Organization, Organization.id == BankProfile.organization_id)
        .order_by(Organization.is_house.desc(), Organization.name, BankProfile.kind)
    ).all()  # fmt: skip


def kinds_for(session: Session, organization_id: UUID) -> set[ProfileKind]:
    """Which profiles files of the organization can be made with. Opens nothing."""
    return set(session.scalars(select(BankProfile.kind).where(_serves(organization_id))))


def payers(session: Session, organization_id: UUID) -> dict[ProfileKind, Payer]:
    """The profiles files of the organization are made with: its own, else the platform's. Opens the accounts."""
    rows = session.scalars(
        select(BankProfile)
        .join(Organization, Organization.id == BankProfile.organization_id)
        .where(_serves(organization_id))
        .order_by(Organization.is_house.desc())
    )
    return {row.kind: Payer(row.organization_id, _values(row)) for row in rows}


def _serves(organization_id: UUID):  # type: ignore[no-untyped-def]
    house = select(Organization.id).where(Organization.is_house).scalar_subquery()
    return BankProfile.organization_id.in_([organization_id, house])


def save(
    session: Session, actor: Actor, organization_id: UUID, kind: ProfileKind, typed: Mapping[str, str]
) -> BankProfile:
    """Write a profile; a secret left empty stays as it is. Raises Forbidden, Invalid beside each field."""
    actor.require(Permission.PLATFORM)
    locks.hold(session, "bank profile", f"{organization_id}:{kind}")
    found = find(session, organization_id, kind)
    before = {} if found is None else _values(found)
    hidden = originators.secrets(kind)
    kept = {name: before[name] for name in hidden if name in before and not typed.get(name, "").strip()}
    values = originators.validate(kind, {**typed, **kept})
    if found is None:
        found = BankProfile(id=new_id(), organization_id=organization_id, kind=kind)
        session.add(found)
    secret = {name: values[name] for name in values if name in hidden}
    found.details = {name: text for name, text in values.items() if name not in hidden}
    found.secrets_sealed = SealedText(seal(secret, _context(found.id))) if secret else None
    found.shown = next((text[-4:] for text in secret.values()), values.get("odfi", "")[-4:])
    found.changed_by, found.changed_at = actor.label, utc_now()
    session.flush()
    changed = sorted(name for name in values | before if values.get(name) != before.get(name))
    audit.record(
        session, actor, "bank_profile.saved", "bank_profile", found.id, organization_id=organization_id,
        kind=kind.value, changed=changed,
    )  # fmt: skip
    return found


def _context(profile_id: UUID) -> str:
    return f"bank_profiles.secrets:{profile_id}"


def _values(profile: BankProfile) -> dict[str, str]:
    secret = open_sealed(profile.secrets_sealed, _context(profile.id)) if profile.secrets_sealed else {}
    return {**profile.details, **secret}
