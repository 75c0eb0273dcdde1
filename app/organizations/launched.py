"""What follows from the launch of an organization, and the end of drafts that never were."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Table, delete, exists, select, update
from sqlalchemy.orm import aliased

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.scope import SYSTEM, Actor
from app.db import locks
from app.db.session import ScopedSession
from app.files.models import StoredFile
from app.organizations import inviting
from app.organizations.invitation_models import MemberInvitation
from app.organizations.inviting import Person
from app.organizations.models import Member, Organization, OrganizationDraft
from app.organizations.states import InvitationStatus, MemberStatus, OrganizationStatus, Role

DRAFTS_LIVE = timedelta(hours=24)
# What a draft is made of, in the order in which it goes along. Members are looked at one by one.
_PARTS = (
    "organization_drafts", "billing_profiles", "stored_files", "member_import_rows", "member_imports",
    "member_invitations", "members",
)  # fmt: skip


def invite_team(session: ScopedSession, organization_id: UUID) -> int:
    """Mail whoever the wizard was told to invite, in the name of the owner; run again, nobody is left. How many."""
    draft = session.scalar(
        select(OrganizationDraft).where(OrganizationDraft.organization_id == organization_id).with_for_update()
    )
    if draft is None:
        return 0
    owner = session.scalars(
        select(Member)
        .where(Member.organization_id == organization_id, Member.role == Role.OWNER)
        .order_by(Member.created_at, Member.id)
        .limit(1)
    ).one()
    actor = Actor(owner.name, owner.role.value, owner.account_id, organization_id, rank=owner.role.rank)
    people = [Person(one["email"], "", Role(one["role"])) for one in draft.invitees]
    asked = inviting.invite(
        session, actor, organization_id, [one for one in people if inviting.why_not(actor, one.role) is None]
    )
    session.delete(draft)
    return len(asked.sent)


def forget_stale(session: ScopedSession, tables: Collection[Table], limit: int) -> tuple[int, list[str]]:
    """Remove at most `limit` drafts a day old that nothing hangs on, with their parts. Needs a platform scope.

    `tables` are all there are: a draft to which a row in any of them points stays, and so does one with a second
    member. Whoever was asked to join and has not answered keeps none: the link is dead then. Returns how many, and
    the storage keys of their files, whose bytes the caller removes after the commit.
    """
    stale = (
        select(Organization.id)
        .where(
            Organization.status == OrganizationStatus.DRAFT,
            Organization.is_house.is_(False),
            Organization.created_at < utc_now() - DRAFTS_LIVE,
            ~exists().where(
                Member.organization_id == Organization.id,
                Member.status != MemberStatus.REMOVED,
                Member.role != Role.OWNER,
            ),
            ~_two_owners(),
            *(~one for one in _hanging_on(tables)),
        )
        .order_by(Organization.id)
    )
    seen = list(session.scalars(stale.limit(limit)))
    locks.hold_each(session, "members", seen)  # somebody may be joining this moment
    again = stale.where(Organization.id.in_(seen)).with_for_update(skip_locked=True, of=Organization)
    chosen = list(session.scalars(again))
    if not chosen:
        return 0, []
    _revoke(session, chosen)
    keys = list(
        session.scalars(
            delete(StoredFile).where(StoredFile.organization_id.in_(chosen)).returning(StoredFile.storage_key)
        )
    )
    named = {table.name: table for table in tables}
    for name in (name for name in _PARTS if name != StoredFile.__tablename__):
        session.execute(delete(named[name]).where(named[name].c.organization_id.in_(chosen)))
    session.execute(
        delete(Organization).where(Organization.id.in_(chosen)).execution_options(synchronize_session=False)
    )
    return len(chosen), keys


def _revoke(session: ScopedSession, organization_ids: list[UUID]) -> None:
    """Their open invitations, on record: the rows go with the drafts."""
    rows = session.execute(
        update(MemberInvitation)
        .where(
            MemberInvitation.organization_id.in_(organization_ids),
            MemberInvitation.status == InvitationStatus.PENDING,
        )
        .values(status=InvitationStatus.REVOKED, answered_at=utc_now())
        .returning(MemberInvitation.organization_id, MemberInvitation.id)
        .execution_options(synchronize_session=False)
    )
    by_draft: dict[UUID, list[UUID]] = {}
    for organization_id, invitation_id in rows:
        by_draft.setdefault(organization_id, []).append(invitation_id)
    for organization_id, ids in by_draft.items():
        audit.record_many(
            session, SYSTEM, "member.invitation_revoked", inviting.SUBJECT, ids, organization_id=organization_id
        )


def _two_owners() -> ColumnElement[bool]:
    one, other = aliased(Member), aliased(Member)
    return (
        exists()
        .where(one.organization_id == Organization.id, one.status != MemberStatus.REMOVED)
        .where(
            other.organization_id == Organization.id, other.status != MemberStatus.REMOVED, other.id != one.id
        )
    )  # fmt: skip


def _hanging_on(tables: Collection[Table]) -> list[ColumnElement[bool]]:
    """One condition for each column, of any table that is no part of a draft, that points to an organization."""
    return [
        exists().where(column == Organization.id)
        for table in tables
        if table.name not in _PARTS
        for column in table.columns
        if any(key.column.table.name == "organizations" for key in column.foreign_keys)
    ]
