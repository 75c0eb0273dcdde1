"""Reads about payees. Search goes through `search_payees`: LIKE under a policy would lose its index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, func, select, text
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import paging
from app.db.paging import AnySelect
from app.db.session import ScopedSession
from app.db.types import begins_with
from app.payees.models import Engagement, Payee
from app.payees.states import EngagementStatus, PayeeKind

MOST_FOUND = 200
# Suppliers a file knows by name only are kept under "name:…" (`payables.importing.supplier_key`): not for people.
_BUSINESS = (Payee.legal_name, Payee.business_type, Payee.trading_name, Payee.registration_number)
SHOWN_REFERENCE = case((func.starts_with(Engagement.reference, "name:"), None), else_=Engagement.reference)


def matching(term: str) -> AnySelect:
    """A sub-query of payee ids whose name contains `term`, or whose reference in the scope's organization is it.

    A term with an @ is looked for among addresses too, as their beginning.
    """
    found: AnySelect = select(func.search_payees(term.strip(), MOST_FOUND).column_valued("payee_id"))
    if "@" not in term:
        return found
    address = select(Payee.id).where(begins_with(Payee.email, term.strip().lower())).limit(MOST_FOUND)
    both: AnySelect = select(found.union(address).subquery().c.payee_id)
    return both


def payees(
    session: Session,
    organization_id: UUID,
    *,
    search: str = "",
    kind: PayeeKind | None = None,
    status: EngagementStatus | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """payee_id, name, kind, email, reference, currency, terms_days, status, created_at, id; newest first."""
    key = paging.Key((Engagement.created_at, Engagement.id), ("created_at", "id"))
    return paging.fetch(session, _filtered(organization_id, search, kind, status), key, cursor, limit)


def count(
    session: Session,
    organization_id: UUID,
    *,
    search: str = "",
    kind: PayeeKind | None = None,
    status: EngagementStatus | None = None,
) -> int:
    """Capped: more than `paging.CAP` means "and more"."""
    return paging.capped_count(session, _filtered(organization_id, search, kind, status))


def _filtered(
    organization_id: UUID, search: str, kind: PayeeKind | None, status: EngagementStatus | None
) -> paging.AnySelect:
    query: paging.AnySelect = (
        select(
            Engagement.payee_id, Payee.name, Payee.kind, Payee.email, SHOWN_REFERENCE.label("reference"),
            Engagement.currency, Engagement.terms_days, Engagement.status, Engagement.created_at, Engagement.id,
        )
        .join(Payee, Payee.id == Engagement.payee_id)
        .where(Engagement.organization_id == organization_id, Payee.own_organization_id.is_(None))
    )  # fmt: skip
    if search.strip():
        query = query.where(Engagement.payee_id.in_(matching(search)))
    if kind is not None:
        query = query.where(Payee.kind == kind)
    if status is not None:
        query = query.where(Engagement.status == status)
    return query


def all_payees(
    session: Session, *, search: str = "", kind: PayeeKind | None = None, cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:  # fmt: skip
    """For the platform: id, name, kind, email, country, created_at; newest first."""
    query: paging.AnySelect = select(Payee.id, Payee.name, Payee.kind, Payee.email, Payee.country, Payee.created_at)
    if search.strip():
        query = query.where(Payee.id.in_(matching(search)))
    if kind is not None:
        query = query.where(Payee.kind == kind)
    return paging.fetch(session, query, paging.Key((Payee.created_at, Payee.id), ("created_at", "id")), cursor, limit)


def detail(session: Session, organization_id: UUID, payee_id: UUID) -> paging.AnyRow:
    """One payee as this organization knows it. Raises NotFound, also for the one it is itself.

    payee_id, name, legal_name, business_type, trading_name, registration_number, kind, email, country, address,
    reference, currency, terms_days, commission_bps, status, created_at.
    """
    found = session.execute(
        select(
            Payee.id.label("payee_id"), Payee.name, *_BUSINESS, Payee.kind, Payee.email, Payee.country,
            Payee.address, SHOWN_REFERENCE.label("reference"), Engagement.currency, Engagement.terms_days,
            Engagement.commission_bps, Engagement.status, Engagement.status_reason, Engagement.status_at,
            Engagement.status_by_platform, Engagement.created_at,
        )
        .join(Engagement, Engagement.payee_id == Payee.id)
        .where(
            Engagement.organization_id == organization_id, Payee.id == payee_id, Payee.own_organization_id.is_(None)
        )
    ).one_or_none()  # fmt: skip
    if found is None:
        raise NotFound("There is no such payee.")
    return found


def card(session: Session, payee_id: UUID) -> paging.AnyRow:
    """One payee whoever engages it. Raises NotFound.

    id, name, legal_name, business_type, trading_name, registration_number, kind, email, country, address, created_at.
    """
    found = session.execute(
        select(
            Payee.id, Payee.name, *_BUSINESS, Payee.kind, Payee.email, Payee.country, Payee.address, Payee.created_at,
        ).where(Payee.id == payee_id)
    ).one_or_none()  # fmt: skip
    if found is None:
        raise NotFound("There is no such payee.")
    return found


def names(session: Session, payee_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Names of several payees at once; those outside the scope are left out."""
    rows = session.execute(select(Payee.id, Payee.name).where(Payee.id.in_(payee_ids)))
    return {row.id: row.name for row in rows}


def engagements(session: Session, payee_id: UUID) -> list[paging.AnyRow]:
    """organization_id, reference, currency, terms_days, status of one payee, oldest first."""
    rows = session.execute(
        select(
            Engagement.organization_id, SHOWN_REFERENCE.label("reference"), Engagement.currency, Engagement.terms_days,
            Engagement.status,
        )
        .where(Engagement.payee_id == payee_id)
        .order_by(Engagement.created_at, Engagement.id)
    )  # fmt: skip
    return list(rows)


@dataclass(frozen=True, slots=True)
class Contact:
    """An address to write to about a payee, in the reader's language and time zone.

    `slug`: the organization that the payee is, of which the reader is an owner.
    """

    email: str
    name: str
    locale: str = "en_US"
    time_zone: str = "UTC"
    portal: str | None = None
    slug: str | None = None


_CONTACTS = text(
    """SELECT p.id AS payee_id, p.email, p.name, 'en_US' AS locale, 'UTC' AS time_zone, NULL AS portal,
        NULL AS slug
    FROM payees p WHERE p.id = ANY(:payee_ids) AND p.email IS NOT NULL
        AND NOT EXISTS (SELECT FROM accounts a WHERE a.payee_id = p.id AND a.email = p.email AND a.status = 'active')
    UNION ALL
    SELECT a.payee_id, a.email, a.name, a.locale, a.time_zone, a.portal, NULL
    FROM accounts a WHERE a.payee_id = ANY(:payee_ids) AND a.status = 'active'
    UNION ALL
    SELECT p.id, a.email, a.name, a.locale, a.time_zone, NULL, o.slug
    FROM payees p JOIN organizations o ON o.id = p.own_organization_id
    JOIN members m ON m.organization_id = o.id AND m.role = 'ORG_OWNER' AND m.status = 'ACTIVE'
    JOIN accounts a ON a.id = m.account_id AND a.status = 'active' WHERE p.id = ANY(:payee_ids)
    ORDER BY payee_id, email"""
)
_FORMER = text(
    """SELECT DISTINCT ON (c.old_email) c.old_email AS email, coalesce(a.name, p.name) AS name,
        coalesce(a.locale, 'en_US') AS locale, coalesce(a.time_zone, 'UTC') AS time_zone
    FROM address_changes c LEFT JOIN accounts a ON a.id = c.account_id
    JOIN payees p ON p.id = coalesce(c.payee_id, a.payee_id)
    WHERE p.id = :payee_id AND c.done_at > :since
        AND (c.payee_id = :payee_id OR c.account_id IN (SELECT id FROM accounts WHERE payee_id = :payee_id))
    ORDER BY c.old_email, c.done_at DESC"""
)


def contacts(session: ScopedSession, payee_ids: Sequence[UUID]) -> dict[UUID, list[Contact]]:
    """Whom to write to: the accounts of each payee, and its own address where that is another one; of an
    organization that is a payee, its owners.
    """
    found: dict[UUID, list[Contact]] = {}
    with session.elevated("addresses to write to"):
        rows = session.execute(_CONTACTS, {"payee_ids": list(payee_ids)}).all()
    for row in rows:
        found.setdefault(row.payee_id, []).append(
            Contact(row.email, row.name, row.locale, row.time_zone, row.portal, row.slug)
        )
    return found


def contacts_to_warn(session: ScopedSession, payee_id: UUID, since: datetime) -> list[Contact]:
    """`contacts`, and every address that was one of theirs at some moment after `since`: who took over an account
    changes its address first.
    """
    found = contacts(session, [payee_id]).get(payee_id, [])
    with session.elevated("addresses of before"):
        rows = session.execute(_FORMER, {"payee_id": payee_id, "since": since}).all()
    known = {contact.email for contact in found}
    return found + [Contact(r.email, r.name, r.locale, r.time_zone) for r in rows if r.email not in known]
