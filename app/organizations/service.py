"""Organizations, their members and how far their funds may go below zero."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.money import CURRENCIES, MAX_MINOR
from app.core.scope import Actor, Permission
from app.db import locks
from app.db.session import ScopedSession
from app.db.types import new_id
from app.organizations import departments, inviting, own_payee, rules
from app.organizations.models import FundsPolicy, Member, Organization
from app.organizations.states import MemberStatus, OrganizationKind, OrganizationStatus, Role
from app.payees.rules import clean_email


def create(
    session: ScopedSession,
    actor: Actor,
    *,
    name: str,
    currency: str,
    slug: str | None = None,
    kind: OrganizationKind = OrganizationKind.BUYER,
    status: OrganizationStatus = OrganizationStatus.ACTIVE,
    time_zone: str = "UTC",
    is_house: bool = False,
    **more: Any,
) -> Organization:
    """Open an organization. `more`: legal_name, country, address, billing_email. Needs a platform scope.

    A free slug is made from the name unless `slug` is given. Raises Forbidden, Invalid, or Conflict for a taken slug.
    """
    actor.require(Permission.PLATFORM)
    _check(name=name, currency=currency, time_zone=time_zone)
    locks.hold(session, "organization slugs")
    base = slug or rules.slug_of(name)
    if slug and rules.slug_of(slug) != slug:
        raise Invalid(
            "A short name has small letters, digits and dashes.", fields={"slug": "Small letters, digits, dashes."}
        )
    taken = set(session.scalars(select(Organization.slug).where(Organization.slug.startswith(base))))
    if slug and (slug in taken or slug in rules.RESERVED_SLUGS):
        raise Conflict(f"“{slug}” is taken.", fields={"slug": "Choose another short name."})
    made = Organization(
        id=new_id(),
        slug=rules.free_slug(base, taken),
        name=name.strip(),
        currency=currency,
        kind=kind,
        status=status,
        time_zone=time_zone,
        is_house=is_house,
        **more,
    )
    session.add(made)
    session.flush()
    audit.record(
        session, actor, "organization.created", "organization", made.id, organization_id=made.id, slug=made.slug
    )
    own_payee.ensure(session, actor, made.id)
    return made


def _check(*, name: str, currency: str, time_zone: str) -> None:
    wrong: dict[str, str] = {}
    if not name.strip():
        wrong["name"] = "Give the organization's name."
    if currency not in CURRENCIES:
        wrong["currency"] = f"“{currency}” is not a currency we know."
    if time_zone not in available_timezones():
        wrong["time_zone"] = f"“{time_zone}” is not a time zone."
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)


def set_time_zone(session: Session, actor: Actor, organization_id: UUID, time_zone: str) -> Organization:
    """Days (due dates, months) begin at midnight there. Raises Forbidden, Invalid, NotFound."""
    actor.require(Permission.ORGANIZATION_SETTINGS)
    actor.require_organization(organization_id)
    found = get(session, organization_id)
    _check(name=found.name, currency=found.currency, time_zone=time_zone)
    before, found.time_zone = found.time_zone, ZoneInfo(time_zone).key
    audit.record(
        session, actor, "organization.time_zone", "organization", found.id,
        organization_id=found.id, before=before, after=time_zone,
    )  # fmt: skip
    return found


def edit(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    *,
    name: str,
    legal_name: str | None,
    billing_email: str | None,
    time_zone: str,
    tax_form_required: bool | None = None,
    accepts_applications: bool | None = None,
    auto_approve_consultants: bool | None = None,
) -> Organization:
    """Change what the organization is called, where its mail goes, when its days begin, whether US payees need a tax
    form before they are paid, whether anybody may apply to work for it and whether consultants that are invited are
    let in at once (None: as it is).

    Raises Forbidden, Invalid, NotFound.
    """
    actor.require(Permission.ORGANIZATION_SETTINGS)
    actor.require_organization(organization_id)
    found = get(session, organization_id)
    _check(name=name, currency=found.currency, time_zone=time_zone)
    try:
        email = clean_email(billing_email)
    except Invalid as wrong:
        raise Invalid(wrong.message, fields={"billing_email": wrong.message}) from None
    wanted: dict[str, Any] = {
        "name": " ".join(name.split()),
        "legal_name": (legal_name or "").strip() or None,
        "billing_email": email,
        "time_zone": ZoneInfo(time_zone).key,
    }
    switches = {
        "tax_form_required": tax_form_required,
        "accepts_applications": accepts_applications,
        "auto_approve_consultants": auto_approve_consultants,
    }
    wanted |= {name: on for name, on in switches.items() if on is not None}
    changed = {field: value for field, value in wanted.items() if getattr(found, field) != value}
    for field, value in changed.items():
        setattr(found, field, value)
    if changed:
        own_payee.rename(session, found)
        audit.record(
            session, actor, "organization.edited", "organization", found.id,
            organization_id=found.id, changed=sorted(changed),
        )  # fmt: skip
    return found


def get(session: Session, organization_id: UUID) -> Organization:
    """Raises NotFound."""
    found = session.get(Organization, organization_id)
    if found is None:
        raise NotFound("There is no such organization.")
    return found


def add_member(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    account_id: UUID,
    name: str,
    email: str,
    role: Role,
    status: MemberStatus = MemberStatus.ACTIVE,
    department: str | None = None,
    closes_invitations: bool = True,
) -> Member:
    """Give an account a role in the organization; a removed member comes back. Open links of theirs are dead.

    Raises Forbidden, SwitchedOff for a gated role, Invalid, or Conflict when the account is a member already.
    """
    inviting.require(actor, organization_id)
    inviting.require_role(actor, role)
    locks.hold(session, "members", organization_id)
    found = session.scalar(
        select(Member).where(Member.organization_id == organization_id, Member.account_id == account_id)
    )
    if found is not None and found.status is not MemberStatus.REMOVED:
        raise Conflict(f"{found.name} is a member already.")
    department = departments.spelled(session, organization_id, department)
    if found is None:
        found = Member(id=new_id(), organization_id=organization_id, account_id=account_id)
        session.add(found)
    found.name, found.email, found.role, found.status = name.strip(), email.strip().lower(), role, status
    found.department = department
    session.flush()
    if closes_invitations:
        inviting.withdraw_of(session, organization_id, account_id, found.email)
    audit.record(
        session, actor, "member.added", "member", found.id,
        organization_id=organization_id, name=found.name, member_role=role.value,
    )  # fmt: skip
    return found


def change_role(session: Session, actor: Actor, organization_id: UUID, member_id: UUID, role: Role) -> Member:
    """Raises Forbidden for ranks at or above the actor's own, SwitchedOff, Conflict for the last owner, NotFound."""
    member = to_change(session, actor, organization_id, member_id)
    inviting.require_role(actor, role)
    if role is not Role.OWNER:
        _keep_an_owner(session, member)
    before, member.role = member.role, role
    audit.record(
        session, actor, "member.role", "member", member.id,
        organization_id=organization_id, name=member.name, before=before.value, after=role.value,
    )  # fmt: skip
    return member


def set_department(
    session: Session, actor: Actor, organization_id: UUID, member_id: UUID, department: str | None
) -> Member:
    """Where somebody belongs from now on; what they booked stays where they belonged then. None: nowhere.

    Raises Forbidden for ranks at or above the actor's own but for themselves, Invalid, NotFound.
    """
    actor.require(Permission.MEMBER_MANAGE)
    member = to_change(session, actor, organization_id, member_id, leaving=True)
    before, after = member.department, departments.spelled(session, organization_id, department, but=member.id)
    if before != after:
        member.department = after
        session.flush()
        audit.record(
            session, actor, "member.department", "member", member.id,
            organization_id=organization_id, name=member.name, before=before, after=after,
        )  # fmt: skip
    return member


def remove_member(session: Session, actor: Actor, organization_id: UUID, member_id: UUID) -> Member:
    """End a membership; people may leave themselves. Raises Forbidden, Conflict for the last owner, NotFound."""
    member = to_change(session, actor, organization_id, member_id, leaving=True)
    _keep_an_owner(session, member)
    member.status = MemberStatus.REMOVED
    session.flush()
    inviting.withdraw_of(session, organization_id, member.account_id, member.email)
    audit.record(
        session, actor, "member.removed", "member", member.id, organization_id=organization_id, name=member.name
    )
    return member


def to_change(
    session: Session, actor: Actor, organization_id: UUID, member_id: UUID, *, leaving: bool = False
) -> Member:
    """The member, locked, when this actor may change them; `leaving`: themselves too. Raises Forbidden, NotFound."""
    actor.require_organization(organization_id)
    locks.hold(session, "members", organization_id)  # two owners must not remove each other at the same moment
    member = session.scalar(
        select(Member)
        .where(Member.id == member_id, Member.organization_id == organization_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if member is None or member.status is MemberStatus.REMOVED:
        raise NotFound("There is no such member.")
    if leaving and actor.account_id is not None and member.account_id == actor.account_id:
        return member
    actor.require(Permission.MEMBER_MANAGE)
    if said := rules.may_act_on(inviting.rank_of(actor), member.role):
        raise Forbidden(said)
    return member


def _keep_an_owner(session: Session, member: Member) -> None:
    if member.role is not Role.OWNER:
        return
    others = session.scalar(
        select(Member.id)
        .where(
            Member.organization_id == member.organization_id,
            Member.role == Role.OWNER,
            Member.status == MemberStatus.ACTIVE,
            Member.id != member.id,
        )
        .limit(1)
    )
    if others is None:
        raise Conflict("This is the last owner. Appoint another owner first.")


def set_funds_policy(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    currency: str,
    *,
    credit_limit_minor: int,
    second_approval_minor: int | None = None,
) -> None:
    """How far funds may go below zero (minor units ≥ 0) and from which payout a second approval is needed.

    Credit is the platform's risk, so only the platform sets it. Raises Forbidden, Invalid.
    """
    actor.require(Permission.PLATFORM)
    if currency not in CURRENCIES:
        raise Invalid(f"“{currency}” is not a currency we know.", fields={"currency": "Choose a currency."})
    if not 0 <= credit_limit_minor <= MAX_MINOR:
        raise Invalid("The credit limit is zero or more.", fields={"credit_limit": "Zero or more."})
    if second_approval_minor is not None and second_approval_minor < 0:
        raise Invalid("The limit is zero or more.", fields={"second_approval": "Zero or more."})
    values = {"credit_limit_minor": credit_limit_minor, "second_approval_minor": second_approval_minor}
    session.execute(
        insert(FundsPolicy)
        .values(id=new_id(), organization_id=organization_id, currency=currency, **values)
        .on_conflict_do_update(index_elements=["organization_id", "currency"], set_=values)
    )
    audit.record(
        session, actor, "funds.policy", "organization", organization_id,
        organization_id=organization_id, currency=currency, **values,
    )  # fmt: skip
