"""Everyone who can be paid, whichever organization engages them: for the platform's people. Needs a platform scope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select, text
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.db import paging
from app.methods.models import Method
from app.methods.states import MethodStatus
from app.organizations.models import Organization
from app.payees.models import Engagement, Payee
from app.payees.queries import matching
from app.payees.states import EngagementStatus, PayeeKind
from app.tax.models import W9


class MethodState(StrEnum):
    THERE = "there"
    NONE = "none"


class FormState(StrEnum):
    """`missing`: somebody who pays this payee asks for a form, and there is none."""

    SIGNED = "signed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class PayeeFilter:
    """None and empty mean "any". `status`: of some engagement, of the one with `organization_id` if that is given."""

    search: str = ""
    kind: PayeeKind | None = None
    status: EngagementStatus | None = None
    country: str = ""
    method: MethodState | None = None
    form: FormState | None = None
    organization_id: UUID | None = None

    @property
    def any(self) -> bool:
        narrowed = (self.kind, self.status, self.method, self.form, self.organization_id)
        return bool(self.search or self.country or any(value is not None for value in narrowed))


_HAS_METHOD = exists().where(Method.payee_id == Payee.id, Method.is_default, Method.status == MethodStatus.ACTIVE)
_HAS_FORM = exists().where(W9.payee_id == Payee.id)
_ASKED = exists().where(
    Engagement.payee_id == Payee.id,
    Organization.id == Engagement.organization_id,
    Organization.tax_form_required,
    or_(Payee.country == "US", Payee.country.is_(None) & (Engagement.currency == "USD")),
)


def payees(
    session: Session, chosen: PayeeFilter, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """id, name, kind, email, country, created_at, has_method, has_form; newest first."""
    query: paging.AnySelect = select(
        Payee.id, Payee.name, Payee.kind, Payee.email, Payee.country, Payee.created_at,
        _HAS_METHOD.label("has_method"), _HAS_FORM.label("has_form"),
    ).where(*_conditions(chosen))  # fmt: skip
    return paging.fetch(session, query, paging.Key((Payee.created_at, Payee.id), ("created_at", "id")), cursor, limit)


def _conditions(chosen: PayeeFilter) -> list[ColumnElement[bool]]:
    found: list[Any] = []
    if chosen.search.strip():
        found.append(Payee.id.in_(matching(chosen.search)))
    if chosen.kind is not None:
        found.append(Payee.kind == chosen.kind)
    if chosen.country:
        found.append(Payee.country == chosen.country)
    if chosen.status is not None or chosen.organization_id is not None:
        engaged: list[Any] = [Engagement.payee_id == Payee.id]
        if chosen.status is not None:
            engaged.append(Engagement.status == chosen.status)
        if chosen.organization_id is not None:
            engaged.append(Engagement.organization_id == chosen.organization_id)
        found.append(exists().where(*engaged))
    if chosen.method is not None:
        found.append(_HAS_METHOD if chosen.method is MethodState.THERE else ~_HAS_METHOD)
    if chosen.form is not None:
        found.append(_HAS_FORM if chosen.form is FormState.SIGNED else _ASKED & ~_HAS_FORM)
    return found


@dataclass(frozen=True, slots=True)
class Numbers:
    """`active`: with a payout since the month began. `methodless` and `formless` are of those somebody engages."""

    by_kind: dict[PayeeKind, int]
    active: int
    methodless: int
    formless: int

    @property
    def total(self) -> int:
        return sum(self.by_kind.values())


_BY_KIND = text(
    """WITH engaged AS MATERIALIZED (
        SELECT e.payee_id, bool_or(o.tax_form_required) AS asked, bool_or(e.currency = 'USD') AS usd
        FROM engagements e JOIN organizations o ON o.id = e.organization_id WHERE e.status = 'active'
        GROUP BY e.payee_id
    ), paid AS MATERIALIZED (
        SELECT DISTINCT payee_id FROM methods WHERE is_default AND status = 'active'
    ), signed AS MATERIALIZED (SELECT DISTINCT payee_id FROM w9_forms)
    SELECT p.kind, count(*) AS n,
        count(*) FILTER (WHERE engaged.payee_id IS NOT NULL AND paid.payee_id IS NULL) AS methodless,
        count(*) FILTER (WHERE engaged.asked AND signed.payee_id IS NULL
            AND (p.country = 'US' OR (coalesce(p.country, '') = '' AND engaged.usd))) AS formless
    FROM payees p LEFT JOIN engaged ON engaged.payee_id = p.id LEFT JOIN paid ON paid.payee_id = p.id
    LEFT JOIN signed ON signed.payee_id = p.id
    WHERE CAST(:kind AS text) IS NULL OR p.kind = :kind GROUP BY p.kind"""
)
_ACTIVE = text(
    """SELECT count(DISTINCT x.payee_id) FROM payouts x JOIN payees p ON p.id = x.payee_id
    WHERE x.created_at >= :since AND (CAST(:kind AS text) IS NULL OR p.kind = :kind)"""
)


def numbers(session: Session, kind: PayeeKind | None = None) -> Numbers:
    """Two statements for any number of payees; of one kind, or of all."""
    wanted = {"kind": kind.value if kind else None}
    rows = session.execute(_BY_KIND, wanted).all()
    active = session.execute(_ACTIVE, {**wanted, "since": month_start()}).scalar_one()
    return Numbers(
        {PayeeKind(row.kind): int(row.n) for row in rows},
        int(active),
        sum(int(row.methodless) for row in rows),
        sum(int(row.formless) for row in rows),
    )


def month_start() -> datetime:
    """The first moment of this month, UTC."""
    return utc_now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
