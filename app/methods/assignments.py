"""Payout methods for many payees at once: assigned from what is known of them, or read from a file of details.

Sealing is done row by row, everything else in a few statements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Invalid
from app.core.money import CURRENCIES
from app.core.scope import Actor, Permission
from app.db import locks
from app.db.session import ScopedSession
from app.db.types import new_id
from app.methods import rules
from app.methods.models import Method
from app.methods.service import details_index, sealed_columns, tell
from app.methods.states import MethodStatus
from app.payees.models import Payee
from app.rails.base import Rail
from app.rails.registry import rail as rail_named


class MethodLine(Protocol):
    """One line of a file of method details. `supplier_key` is the organization's reference of the payee."""

    @property
    def line(self) -> int: ...
    @property
    def supplier_key(self) -> str: ...
    @property
    def rail(self) -> str: ...
    @property
    def fields(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class NotAssigned:
    """A payee who got no method, and why."""

    payee_id: UUID
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Assigned:
    """How many got the method; who did not. Payees that had a default method already are not in it."""

    count: int
    refused: list[NotAssigned]


@dataclass(frozen=True, slots=True)
class LineFault:
    """Why a line cannot be applied; `column` is the field, "" for the line as a whole."""

    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Applied:
    """`added` got their first method, `replaced` another one, `unchanged` had it. With `errors` nothing was written."""

    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    errors: list[LineFault] = field(default_factory=list)


_WITHOUT = text(
    """SELECT p.id AS payee_id, p.name, p.country, p.address, e.reference
    FROM engagements e JOIN payees p ON p.id = e.payee_id AND p.kind IN ('contractor', 'vendor')
    WHERE e.organization_id = :organization_id AND e.status = 'active'
        AND (CAST(:payee_ids AS uuid[]) IS NULL OR e.payee_id = ANY(CAST(:payee_ids AS uuid[])))
        AND NOT EXISTS (SELECT FROM methods m WHERE m.payee_id = e.payee_id AND m.is_default AND m.status = 'active')
    ORDER BY e.payee_id"""
)
_INSERT = text(
    """WITH made AS (
        INSERT INTO methods (id, payee_id, rail, label, last4, currency, details_sealed, details_index, is_default,
            status, usable_from_at, added_by_account_id, added_by, created_at)
        SELECT n.id, n.payee_id, n.rail, n.label, n.last4, n.currency, n.details_sealed, n.details_index, true,
            'active', :now, CAST(:account_id AS uuid), :actor, :now
        FROM unnest(CAST(:ids AS uuid[]), CAST(:payee_ids AS uuid[]), CAST(:rails AS text[]), CAST(:labels AS text[]),
            CAST(:last4s AS text[]), CAST(:currencies AS text[]), CAST(:sealed AS text[]), CAST(:indexes AS text[]))
            AS n (id, payee_id, rail, label, last4, currency, details_sealed, details_index)
        ON CONFLICT (payee_id, coalesce(currency, '')) WHERE is_default AND status = 'active' DO NOTHING
        RETURNING id, payee_id, label, last4
    ), noted AS (
        INSERT INTO timeline_events (payee_id, subject_kind, subject_id, at, actor, to_state, note)
        SELECT payee_id, 'method', id, :now, :actor, 'added', rtrim(label || ' ' || last4) FROM made
    )
    SELECT count(*) FROM made"""
)


@dataclass(frozen=True, slots=True)
class _New:
    payee_id: UUID
    rail: Rail
    destination: Mapping[str, str]
    currency: str | None = None


def _insert(session: ScopedSession, actor: Actor, new: Sequence[_New], now: datetime) -> int:
    if not new:
        return 0
    ids = [new_id() for _ in new]
    columns = [sealed_columns(n.rail, n.destination, i) for n, i in zip(new, ids, strict=True)]
    parameters: dict[str, Any] = {
        "ids": ids,
        "payee_ids": [n.payee_id for n in new],
        "rails": [n.rail.name for n in new],
        "currencies": [n.currency for n in new],
        "labels": [c["label"] for c in columns],
        "last4s": [c["last4"] for c in columns],
        "sealed": [str(c["details_sealed"]) for c in columns],
        "indexes": [c["details_index"] for c in columns],
        "now": now,
        "account_id": actor.account_id,
        "actor": actor.label,
    }
    with session.elevated("methods belong to payees, not to the organization"):
        return int(session.execute(_INSERT, parameters).scalar_one())


def assign_bulk(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    rail_name: str,
    payee_ids: Sequence[UUID] | None = None,
) -> Assigned:
    """Give `rail_name` as default method to active payees without one (all, or those of `payee_ids`).

    Works for rails whose destination is known: simulated (sandbox), check by post (payees with an address); who lacks
    something is refused with that reason. Raises Forbidden, or Invalid for a rail that is not offered.
    """
    actor.require(Permission.METHOD_MANAGE)
    actor.require_organization(organization_id)
    chosen = rules.offered(rail_name, None)
    if chosen.name not in rules.ASSIGNABLE:
        rules.known_destination(chosen, name="", seed="", country=None, address=None)
    rows = session.execute(
        _WITHOUT,
        {"organization_id": organization_id, "payee_ids": None if payee_ids is None else list(payee_ids)},
    ).all()
    new: list[_New] = []
    refused: list[NotAssigned] = []
    for row in rows:
        try:
            destination = rules.known_destination(
                chosen,
                name=row.name,
                seed=row.reference or str(row.payee_id),
                country=row.country,
                address=row.address,
            )
        except Invalid as wrong:
            refused.append(NotAssigned(row.payee_id, row.name, wrong.message))
        else:
            new.append(_New(row.payee_id, chosen, destination))
    count = _insert(session, actor, new, utc_now())
    audit.record(
        session, actor, "methods.assigned", "organization", organization_id, organization_id=organization_id,
        rail=chosen.name, count=count, refused=len(refused),
    )  # fmt: skip
    return Assigned(count, refused)


# "name:…" is the key of a supplier that is known by name only (`payables.importing.supplier_key`). Creators and
# consultants may work for several organizations: none of these says where they are paid.
_SUPPLIERS = text(
    """WITH wanted AS (SELECT DISTINCT key FROM unnest(CAST(:keys AS text[])) AS u (key))
    SELECT wanted.key, e.payee_id FROM wanted
    JOIN engagements e ON e.organization_id = :organization_id AND lower(e.reference) = lower(wanted.key)
    JOIN payees p ON p.id = e.payee_id AND p.kind IN ('contractor', 'vendor')
    UNION
    SELECT wanted.key, e.payee_id FROM wanted
    JOIN engagements e ON e.organization_id = :organization_id
    JOIN payees p ON p.id = e.payee_id AND p.name_search = substr(wanted.key, 6)
        AND p.kind IN ('contractor', 'vendor')
    WHERE wanted.key LIKE 'name:%'"""
)
_DEFAULTS = text(
    """SELECT payee_id, coalesce(currency, '') AS currency, details_index, id FROM methods
    WHERE payee_id = ANY(:payee_ids) AND is_default AND status = 'active' FOR UPDATE"""
)
_REPLACE = text("UPDATE methods SET is_default = false WHERE id = ANY(:ids)")


def apply_method_rows(
    session: ScopedSession, actor: Actor, organization_id: UUID, rows: Sequence[MethodLine], *, dry_run: bool = False
) -> Applied:
    """Where suppliers are paid, from a file: all lines are written or, with any error, none.

    A field `currency` limits the method to that currency. Who had another default gets the new one and is told by
    mail; the same file again changes nothing. `dry_run`: nothing is written, the numbers are those of a real run.
    Raises Forbidden.
    """
    actor.require(Permission.METHOD_MANAGE)
    actor.require_organization(organization_id)
    locks.hold(session, "methods file", organization_id)
    suppliers: dict[str, list[UUID]] = {}
    keys = {"organization_id": organization_id, "keys": [row.supplier_key for row in rows]}
    for found in session.execute(_SUPPLIERS, keys):
        suppliers.setdefault(found.key, []).append(found.payee_id)
    new, errors = _read(rows, suppliers)
    if errors:
        return Applied(errors=errors)
    existing = {
        (row.payee_id, row.currency): row
        for row in session.execute(_DEFAULTS, {"payee_ids": [n.payee_id for n in new]})
    }
    changed, replaced = [], []
    for n in new:
        old = existing.get((n.payee_id, n.currency or ""))
        if old is None:
            changed.append(n)
        elif old.details_index != details_index(n.rail, n.destination):
            changed.append(n)
            replaced.append(old)
    result = Applied(len(changed) - len(replaced), len(replaced), len(new) - len(changed))
    if dry_run:
        return result
    if replaced:
        session.execute(_REPLACE, {"ids": [old.id for old in replaced]})
    _insert(session, actor, changed, utc_now())
    audit.record(
        session, actor, "methods.file_applied", "organization", organization_id, organization_id=organization_id,
        added=result.added, replaced=result.replaced,
    )  # fmt: skip
    for old in replaced:
        _tell_replaced(session, old.payee_id)
    return result


def _read(rows: Sequence[MethodLine], suppliers: Mapping[str, Sequence[UUID]]) -> tuple[list[_New], list[LineFault]]:
    new: list[_New] = []
    errors: list[LineFault] = []
    first: dict[tuple[UUID, str], int] = {}
    for row in rows:
        found = suppliers.get(row.supplier_key, ())
        if len(found) != 1:
            reason = "several payees have this name: give the reference" if found else "there is no such payee"
            errors.append(LineFault(row.line, "supplier", reason))
            continue
        payee_id = found[0]
        fields = dict(row.fields)
        currency = (fields.pop("currency", "") or "").strip().upper() or None
        if currency is not None and currency not in CURRENCIES:
            errors.append(LineFault(row.line, "currency", f"“{currency}” is not a currency we know"))
            continue
        try:
            chosen = rules.offered(rail_named(row.rail).name, currency)
            rules.refuse_typed(chosen)
            destination = chosen.validate(fields)
        except Invalid as wrong:
            faults = wrong.fields or {"": wrong.message}
            errors += [LineFault(row.line, column, reason) for column, reason in faults.items()]
            continue
        earlier = first.setdefault((payee_id, currency or ""), row.line)
        if earlier != row.line:
            errors.append(LineFault(row.line, "supplier", f"line {earlier} is about the same payee"))
            continue
        new.append(_New(payee_id, chosen, destination, currency))
    return new, errors


def _tell_replaced(session: ScopedSession, payee_id: UUID) -> None:
    payee = session.get(Payee, payee_id)
    method = _newest_default(session, payee_id)
    if payee is not None and method is not None:
        tell(session, payee, method, "replaced by the organization that pays you")


def _newest_default(session: Session, payee_id: UUID) -> Method | None:
    return session.scalars(
        select(Method)
        .where(Method.payee_id == payee_id, Method.is_default, Method.status == MethodStatus.ACTIVE)
        .order_by(Method.id.desc())
        .limit(1)
    ).first()
