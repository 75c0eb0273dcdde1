"""Contracts, projects and bills of every organization, for the platform's people. Needs a platform scope.

Ids grow with time: they are the order, newest first, and need no index of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session

from app.contracts.models import Contract
from app.contracts.states import ContractStatus
from app.core.errors import NotFound
from app.db import paging
from app.organizations.models import Organization
from app.payables.models import PaymentRequest
from app.payables.states import RequestStatus
from app.payees.models import Engagement, Payee
from app.payees.queries import matching
from app.payees.states import PayeeKind
from app.projects.queries import Whose
from app.projects.states import Stage

R = PaymentRequest


@dataclass(frozen=True, slots=True)
class Narrowed:
    """None and empty mean "any". `search` is part of a payee's name."""

    organization_id: UUID | None = None
    search: str = ""


def contracts(
    session: Session,
    chosen: Narrowed,
    *,
    kind: PayeeKind | None = None,
    status: ContractStatus | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """id, number, title, form, status, expires_at, signed_on, sealed_at, created_at, payee_id, payee_name,
    organization_name, organization_slug; newest first, drafts too.
    """
    query: paging.AnySelect = (
        select(
            Contract.id, Contract.number, Contract.title, Contract.form, Contract.status, Contract.expires_at,
            Contract.signed_on, Contract.sealed_at, Contract.created_at, Contract.payee_id,
            Payee.name.label("payee_name"), Organization.name.label("organization_name"),
            Organization.slug.label("organization_slug"),
        )
        .join(Payee, Payee.id == Contract.payee_id)
        .join(Organization, Organization.id == Contract.organization_id)
    )  # fmt: skip
    if chosen.organization_id is not None:
        query = query.where(Contract.organization_id == chosen.organization_id)
    if chosen.search.strip():
        query = query.where(Contract.payee_id.in_(matching(chosen.search)))
    if kind is not None:
        query = query.where(Payee.kind == kind)
    if status is not None:
        query = query.where(Contract.status == status)
    return paging.fetch(session, query, paging.Key((Contract.id,), ("id",)), cursor, limit)


def projects(
    session: Session,
    chosen: Narrowed,
    *,
    stage: Stage | None = None,
    cancelled: bool = False,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """The columns of `projects.queries`, newest first."""
    source = Whose().source("(cancelled_at IS NOT NULL) = :gone", gone=cancelled)
    query: paging.AnySelect = select(source)
    if chosen.organization_id is not None:
        query = query.where(source.c.organization_id == chosen.organization_id)
    if chosen.search.strip():
        query = query.where(source.c.payee_id.in_(matching(chosen.search)))
    if stage is not None:
        query = query.where(source.c.stage == stage.value)
    return paging.fetch(session, query, paging.Key((source.c.id,), ("id",)), cursor, limit)


_BILL = (
    select(
        R.id, R.organization_id, R.payee_id, R.reference, R.invoice_number, R.description, R.amount_minor,
        R.approved_minor, R.currency, R.status, R.invoice_on, R.created_at, R.submitted_at, R.review_reason,
        R.reviewed_by, R.reviewed_at, R.version, R.work_type, Payee.name.label("payee_name"),
        Organization.name.label("organization_name"), Organization.slug.label("organization_slug"),
        func.coalesce(R.due_on, R.invoice_on + cast(Engagement.terms_days, Integer)).label("due_on"),
    )
    .join(Payee, Payee.id == R.payee_id)
    .join(Organization, Organization.id == R.organization_id)
    .join(Engagement, (Engagement.organization_id == R.organization_id) & (Engagement.payee_id == R.payee_id))
    .where(R.status != RequestStatus.DRAFT)
)  # fmt: skip


def bills(
    session: Session,
    chosen: Narrowed,
    *,
    kind: PayeeKind | None = None,
    status: RequestStatus | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """id, organization_id, payee_id, reference, invoice_number, description, amount_minor, approved_minor, currency,
    status, invoice_on, due_on, created_at, submitted_at, review columns, version, work_type, names and slug; newest
    first, never drafts.
    """
    query: paging.AnySelect = _BILL
    if chosen.organization_id is not None:
        query = query.where(R.organization_id == chosen.organization_id)
    if chosen.search.strip():
        query = query.where(R.payee_id.in_(matching(chosen.search)))
    if kind is not None:
        query = query.where(Payee.kind == kind)
    if status is not None:
        query = query.where(R.status == status)
    return paging.fetch(session, query, paging.Key((R.id,), ("id",)), cursor, limit)


def bill(session: Session, request_id: UUID) -> paging.AnyRow:
    """One of `bills`. Raises NotFound."""
    found = session.execute(_BILL.where(R.id == request_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such bill.")
    return found


def waiting(session: Session, kind: PayeeKind) -> int:
    """Bills of such payees that wait for somebody's yes, counted up to the cap."""
    open_ = select(R.id).join(Payee, Payee.id == R.payee_id).where(
        R.status == RequestStatus.SUBMITTED, Payee.kind == kind
    )  # fmt: skip
    return paging.capped_count(session, open_)
