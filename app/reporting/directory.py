"""The payees of one organization as its staff look through them: with how each is paid, or that nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from app.db import paging
from app.methods.models import Method
from app.methods.states import MethodStatus
from app.payees.directory_models import EngagementTag
from app.payees.models import Engagement, Payee
from app.payees.queries import SHOWN_REFERENCE, matching
from app.payees.states import EngagementStatus, PayeeKind


class Order(StrEnum):
    NEWEST = "newest"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class DirectoryFilter:
    """None and empty mean "any". `search`: part of a name, or a reference. `methodless`: active, and no way to pay.

    `tag` is one as it is kept.
    """

    search: str = ""
    kind: PayeeKind | None = None
    status: EngagementStatus | None = None
    methodless: bool = False
    tag: str = ""


_KEYS = {
    Order.NEWEST: paging.Key((Engagement.created_at, Engagement.id), ("created_at", "id")),
    Order.NAME: paging.Key((Payee.name_search, Payee.id), ("name_search", "payee_id"), descending=False),
}


def _has_method() -> ColumnElement[bool]:
    return exists().where(
        Method.payee_id == Engagement.payee_id, Method.is_default, Method.status == MethodStatus.ACTIVE
    )


def _narrowed(query: paging.AnySelect, organization_id: UUID, chosen: DirectoryFilter) -> paging.AnySelect:
    query = query.join(Payee, Payee.id == Engagement.payee_id).where(
        Engagement.organization_id == organization_id, Payee.own_organization_id.is_(None)
    )
    if chosen.search.strip():
        query = query.where(Engagement.payee_id.in_(matching(chosen.search)))
    if chosen.kind is not None:
        query = query.where(Payee.kind == chosen.kind)
    if chosen.status is not None:
        query = query.where(Engagement.status == chosen.status)
    if chosen.methodless:
        query = query.where(Engagement.status == EngagementStatus.ACTIVE, ~_has_method())
    if chosen.tag:
        query = query.where(
            exists().where(
                EngagementTag.organization_id == organization_id,
                EngagementTag.tag == chosen.tag,
                EngagementTag.payee_id == Engagement.payee_id,
            )
        )
    return query


_TAGS = (
    select(func.array_to_string(func.array_agg(aggregate_order_by(EngagementTag.tag, EngagementTag.tag)), ", "))
    .where(EngagementTag.organization_id == Engagement.organization_id, EngagementTag.payee_id == Engagement.payee_id)
    .correlate(Engagement)
    .scalar_subquery()
)


def all_payees(session: Session, organization_id: UUID, chosen: DirectoryFilter) -> Iterator[paging.AnyRow]:
    """For files, newest first: name, legal_name, business_type, trading_name, registration_number, kind, email,
    country, reference, currency, terms_days, commission_bps, status, status_reason, tags, has_method, created_at.
    """
    query: paging.AnySelect = select(
        Payee.name, Payee.legal_name, Payee.business_type, Payee.trading_name, Payee.registration_number, Payee.kind,
        Payee.email, Payee.country, SHOWN_REFERENCE.label("reference"),
        Engagement.currency, Engagement.terms_days, Engagement.commission_bps, Engagement.status,
        Engagement.status_reason, _TAGS.label("tags"), _has_method().label("has_method"), Engagement.created_at,
    )  # fmt: skip
    query = _narrowed(query, organization_id, chosen).order_by(Engagement.created_at.desc(), Engagement.id.desc())
    yield from session.execute(query.execution_options(yield_per=1000))


def payees(
    session: Session,
    organization_id: UUID,
    chosen: DirectoryFilter,
    *,
    order: Order = Order.NEWEST,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """payee_id, id (of the engagement), name, name_search, kind, email, reference, currency, terms_days, status,
    created_at."""
    query: paging.AnySelect = select(
        Engagement.payee_id, Engagement.id, Payee.name, Payee.name_search, Payee.kind, Payee.email,
        SHOWN_REFERENCE.label("reference"), Engagement.currency, Engagement.terms_days,
        Engagement.status.label("status"), Engagement.created_at,
    )  # fmt: skip
    return paging.fetch(session, _narrowed(query, organization_id, chosen), _KEYS[order], cursor, limit)


def count(session: Session, organization_id: UUID, chosen: DirectoryFilter) -> int:
    """Capped: more than `paging.CAP` means "and more"."""
    return paging.capped_count(session, _narrowed(select(Engagement.id), organization_id, chosen))


_DEFAULTS = text(
    """SELECT payee_id, label, last4, currency FROM methods
    WHERE payee_id = ANY(:payee_ids) AND is_default AND status = 'active' ORDER BY currency NULLS FIRST, id"""
)


def default_methods(session: Session, payee_ids: Sequence[UUID]) -> dict[UUID, list[paging.AnyRow]]:
    """Payee → its default methods (label, last4, currency), the one for any currency first."""
    found: dict[UUID, list[paging.AnyRow]] = {}
    for row in session.execute(_DEFAULTS, {"payee_ids": list(payee_ids)}):
        found.setdefault(row.payee_id, []).append(row)
    return found
