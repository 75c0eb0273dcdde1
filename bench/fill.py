"""Large tables, put in place by SQL as the services would leave them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.ledger import recipes
from app.ledger import service as ledger

_ORGANIZATION = """INSERT INTO organizations (slug, name, kind, status, currency, time_zone)
    VALUES (:slug, :name, 'BUYER', 'ACTIVE', 'GBP', 'Europe/London') RETURNING id"""
_PAYEES = """INSERT INTO payees (kind, name, created_at)
    SELECT 'vendor', (ARRAY['North', 'Green', 'Silver', 'Harbour', 'Station', 'Meadow', 'Castle', 'Bridge'])[1 + n % 8]
        || ' ' || (ARRAY['Joinery', 'Catering', 'Transport', 'Printing'])[1 + n / 8 % 4]
        || ' ' || :slug || ' ' || n, now() - n * interval '1 second'
    FROM generate_series(1, :count) n RETURNING id"""
_ENGAGEMENTS = """INSERT INTO engagements (organization_id, payee_id, reference, currency)
    SELECT :organization_id, id, 'V' || row_number() OVER (), 'GBP' FROM payees WHERE id = ANY(:ids)"""
_METHODS = """INSERT INTO methods
        (payee_id, rail, label, last4, details_sealed, details_index, is_default, status, usable_from_at, added_by)
    SELECT id, 'simulated', 'Simulated', '8905', repeat('x', 160), md5(id::text) || md5('b' || id::text), true,
        'active', now() - interval '1 day', 'bench' FROM payees WHERE id = ANY(:ids)"""


def organization(session: Session, slug: str, payees: int) -> tuple[UUID, list[UUID]]:
    """An active organization and its payees, each with an engagement and a usable method; their ids."""
    made: UUID = session.execute(text(_ORGANIZATION), {"slug": slug, "name": slug.title()}).scalar_one()
    ids = list(session.execute(text(_PAYEES), {"slug": slug, "count": payees}).scalars())
    session.execute(text(_ENGAGEMENTS), {"organization_id": made, "ids": ids})
    session.execute(text(_METHODS), {"ids": ids})
    return made, ids


_EARNINGS = """INSERT INTO earnings (organization_id, payee_id, kind, amount_minor, currency, basis_minor, rule,
        source_kind, source_id, earned_on, description, reference)
    SELECT :organization_id, (CAST(:ids AS uuid[]))[1 + n % cardinality(CAST(:ids AS uuid[]))], 'bill', 100 + n % 9000,
        'GBP', 100 + n % 9000, 'approved_bill', 'payment_request', uuidv7(), date '2026-01-01' + (n % 300),
        'Repairs and upkeep of public buildings', 'B' || n
    FROM generate_series(0, :count - 1) n"""
_READY = """INSERT INTO ready_earnings (earning_id, organization_id, payee_id, currency, amount_minor, ready_at)
    SELECT id, organization_id, payee_id, currency, amount_minor, created_at FROM earnings
    WHERE organization_id = :organization_id"""
_BOOKED = """SELECT CAST(id AS text) AS ref, organization_id, payee_id, CAST(NULL AS text) AS rail, currency,
    amount_minor, reference AS memo FROM earnings WHERE organization_id = :organization_id"""


def ready_earnings(session: Session, organization_id: UUID, payee_ids: list[UUID], count: int) -> None:
    """Earnings spread over the payees as they come in over time, ready and in the books."""
    session.execute(text(_EARNINGS), {"organization_id": organization_id, "ids": payee_ids, "count": count})
    session.execute(text(_READY), {"organization_id": organization_id})
    ledger.post_from(session, recipes.EARNING_READY, _BOOKED, {"organization_id": organization_id})
