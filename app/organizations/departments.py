"""Departments of an organization: words its reports sum members up by. Nobody may do more because of one."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.core.tables.cells import clean_text
from app.organizations.models import Member
from app.organizations.states import MemberStatus

LONGEST = 60
MOST = 200  # that a list offers


def tidy(text: str | None) -> str | None:
    """One line of at most 60 letters; None for nothing. Raises Invalid beside `department`."""
    try:
        return clean_text(text or "", LONGEST) or None
    except ValueError as wrong:
        said = f"The department cannot be kept: {wrong}."
        raise Invalid(said, fields={"department": said}) from None


def known(session: Session, organization_id: UUID, limit: int = MOST) -> list[str]:
    """Those that somebody of the organization belongs to, by name."""
    query = (
        select(Member.department)
        .where(
            Member.organization_id == organization_id,
            Member.department.is_not(None),
            Member.status != MemberStatus.REMOVED,
        )
        .distinct()
        .order_by(Member.department)
        .limit(limit)
    )
    return [name for name in session.scalars(query) if name]


def spelled(session: Session, organization_id: UUID, text: str | None, but: UUID | None = None) -> str | None:
    """Tidied, and written as others of the organization have it already: “engineering” joins “Engineering”.

    `but`: a member who does not count. Raises Invalid.
    """
    name = tidy(text)
    if name is None:
        return None
    query = select(func.min(Member.department)).where(
        Member.organization_id == organization_id,
        Member.department.is_not(None),
        Member.status != MemberStatus.REMOVED,
        func.lower(Member.department) == name.lower(),
    )
    if but is not None:
        query = query.where(Member.id != but)
    return session.scalar(query) or name
