"""Reads about tax forms: never the number, only its last four digits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.db.paging import AnyRow
from app.tax.models import W9
from app.tax.states import Classification


def form_missing(organization: str, payee: str, currency: str) -> str:
    """SQL that is true where `rules.is_us` and the organization asks for a form and the payee has signed none.

    The arguments are SQL expressions: ids and a currency code.
    """
    return f"""(EXISTS (SELECT 1 FROM organizations tax_o WHERE tax_o.id = {organization} AND tax_o.tax_form_required)
        AND EXISTS (SELECT 1 FROM payees tax_p WHERE tax_p.id = {payee} AND tax_p.own_organization_id IS NULL
            AND (tax_p.country = 'US' OR (coalesce(tax_p.country, '') = '' AND {currency} = 'USD')))
        AND NOT EXISTS (SELECT 1 FROM w9_forms tax_w WHERE tax_w.payee_id = {payee}))"""


_MISSING = text(
    "SELECT " + form_missing("CAST(:organization_id AS uuid)", "CAST(:payee_id AS uuid)", "CAST(:currency AS text)")
)


def is_missing(session: Session, organization_id: UUID, payee_id: UUID, currency: str) -> bool:
    """Whether the organization may not pay this payee for want of a form."""
    wanted = {"organization_id": organization_id, "payee_id": payee_id, "currency": currency}
    return bool(session.execute(_MISSING, wanted).scalar_one())


def w9_versions(session: Session, payee_id: UUID) -> Sequence[AnyRow]:
    """The signed forms of a payee, newest first: every line but the number."""
    hidden = {"tin_sealed", "tin_index"}
    columns: list[Any] = [column for column in W9.__table__.columns if column.name not in hidden]
    return session.execute(select(*columns).where(W9.payee_id == payee_id).order_by(W9.version.desc())).all()


def classification(session: Session, payee_id: UUID) -> Classification | None:
    """What the newest signed form says on line 3a; None without a form."""
    return session.scalar(select(W9.classification).where(W9.payee_id == payee_id).order_by(W9.version.desc()).limit(1))


_ASKING = text(
    """SELECT o.name FROM engagements e JOIN organizations o ON o.id = e.organization_id
    JOIN payees p ON p.id = e.payee_id
    WHERE e.payee_id = :payee_id AND o.tax_form_required AND p.own_organization_id IS NULL
        AND (p.country = 'US' OR (coalesce(p.country, '') = '' AND e.currency = 'USD')) ORDER BY o.name"""
)


def who_asks(session: Session, payee_id: UUID) -> list[str]:
    """Names of the organizations that pay this payee only with a form."""
    return list(session.execute(_ASKING, {"payee_id": payee_id}).scalars())


_HOLDING = text(
    f"""SELECT o.name, r.currency, CAST(sum(r.amount_minor) AS bigint) AS amount_minor
    FROM ready_earnings r JOIN organizations o ON o.id = r.organization_id
    WHERE r.payee_id = :payee_id AND {form_missing("r.organization_id", "r.payee_id", "r.currency")}
    GROUP BY o.name, r.currency HAVING sum(r.amount_minor) > 0 ORDER BY o.name, r.currency"""
)


def holding(session: Session, payee_id: UUID) -> Sequence[AnyRow]:
    """name, currency, amount_minor: what is ready and waits for nothing but the payee's form, by organization."""
    return session.execute(_HOLDING, {"payee_id": payee_id}).all()
