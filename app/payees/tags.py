"""Tags: words by which an organization sorts its payees. Payees never see them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.errors import Invalid
from app.core.scope import Actor, Permission
from app.payees.directory_models import EngagementTag

LONGEST_TAG = 40
MOST_TAGS = 20  # of one payee
MOST_CHOSEN = 1_000  # payees changed at once
_BETWEEN = re.compile(r"[,;\n]+")
_TAG = re.compile(r"[^\W_][\w .&/+-]*", re.UNICODE)


def read_tags(written: str) -> list[str]:
    """ "VIP, north  west" as ["vip", "north west"]: lower case, each once. Raises Invalid for what is no tag."""
    found: list[str] = []
    for part in _BETWEEN.split(written):
        tag = " ".join(part.lower().split())
        if not tag or tag in found:
            continue
        if len(tag) > LONGEST_TAG:
            raise Invalid("A tag is too long.", fields={"tags": f"A tag has at most {LONGEST_TAG} letters."})
        if not _TAG.fullmatch(tag):
            said = f"“{tag}” is not a tag: it starts with a letter or digit and has no signs like < or #."
            raise Invalid(said, fields={"tags": said})
        found.append(tag)
    if len(found) > MOST_TAGS:
        raise _too_many()
    return found


def _too_many() -> Invalid:
    said = f"At most {MOST_TAGS} tags for one payee."
    return Invalid(said, fields={"tags": said})


_ADD = text(
    """INSERT INTO engagement_tags (organization_id, payee_id, tag)
    SELECT e.organization_id, e.payee_id, t.tag FROM engagements e
    CROSS JOIN unnest(CAST(:tags AS text[])) AS t (tag)
    WHERE e.organization_id = :organization_id AND e.payee_id = ANY(:payee_ids)
    ON CONFLICT DO NOTHING"""
)
_REMOVE = text(
    """DELETE FROM engagement_tags WHERE organization_id = :organization_id AND payee_id = ANY(:payee_ids)
    AND tag = ANY(CAST(:tags AS text[]))"""
)
_OVERFULL = text(
    """SELECT count(*) FROM (SELECT payee_id FROM engagement_tags WHERE organization_id = :organization_id
    AND payee_id = ANY(:payee_ids) GROUP BY payee_id HAVING count(*) > :most) found"""
)


def add(session: Session, actor: Actor, organization_id: UUID, payee_ids: Collection[UUID], tags: Sequence[str]) -> int:
    """Put tags on payees of the organization; those there already stay. Returns how many were new.

    Raises Forbidden, Invalid without tags or payees, or where a payee would have too many.
    """
    new = _change(session, actor, organization_id, payee_ids, tags, removes=False)
    parameters = {"organization_id": organization_id, "payee_ids": list(payee_ids), "most": MOST_TAGS}
    if session.execute(_OVERFULL, parameters).scalar_one():
        raise _too_many()
    return new


def remove(
    session: Session, actor: Actor, organization_id: UUID, payee_ids: Collection[UUID], tags: Sequence[str]
) -> int:
    """Take tags off payees. Returns how many went. Raises Forbidden, Invalid without tags or payees."""
    return _change(session, actor, organization_id, payee_ids, tags, removes=True)


def _change(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    payee_ids: Collection[UUID],
    tags: Sequence[str],
    *,
    removes: bool,
) -> int:
    actor.require(Permission.PAYEE_MANAGE)
    actor.require_organization(organization_id)
    if not tags:
        raise Invalid("Give a tag.", fields={"tags": "Give at least one tag."})
    if not payee_ids:
        raise Invalid("Choose the payees first.")
    if len(payee_ids) > MOST_CHOSEN:
        raise Invalid(f"At most {MOST_CHOSEN:,} payees at once.")
    parameters = {"organization_id": organization_id, "payee_ids": list(payee_ids), "tags": list(tags)}
    done = session.execute(_REMOVE if removes else _ADD, parameters)
    audit.record(
        session, actor, "payee.untagged" if removes else "payee.tagged", "payee",
        next(iter(payee_ids)) if len(payee_ids) == 1 else None, organization_id=organization_id,
        tags=list(tags), payees=len(payee_ids),
    )  # fmt: skip
    return int(getattr(done, "rowcount", 0))


def replace(session: Session, actor: Actor, organization_id: UUID, payee_id: UUID, tags: Sequence[str]) -> None:
    """These tags and no others on one payee. Raises Forbidden, Invalid."""
    actor.require(Permission.PAYEE_MANAGE)
    before = of_payees(session, organization_id, [payee_id]).get(payee_id, [])
    if gone := [tag for tag in before if tag not in tags]:
        remove(session, actor, organization_id, [payee_id], gone)
    if new := [tag for tag in tags if tag not in before]:
        add(session, actor, organization_id, [payee_id], new)


def of_payees(session: Session, organization_id: UUID, payee_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Payee → its tags by name."""
    rows = session.execute(
        select(EngagementTag.payee_id, EngagementTag.tag)
        .where(EngagementTag.organization_id == organization_id, EngagementTag.payee_id.in_(payee_ids))
        .order_by(EngagementTag.tag)
    )
    found: dict[UUID, list[str]] = {}
    for row in rows:
        found.setdefault(row.payee_id, []).append(row.tag)
    return found


def in_use(session: Session, organization_id: UUID, limit: int = 200) -> list[tuple[str, int]]:
    """The organization's tags by name, each with how many payees have it."""
    rows = session.execute(
        select(EngagementTag.tag, func.count())
        .where(EngagementTag.organization_id == organization_id)
        .group_by(EngagementTag.tag)
        .order_by(EngagementTag.tag)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]
