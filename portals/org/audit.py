"""The organization's own audit trail: who did what, when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import g, request
from flask.typing import ResponseReturnValue

from app.audit import queries
from app.audit.queries import AuditFilter
from app.core.clock import today
from app.core.money import CURRENCIES, Money
from app.core.scope import Permission
from portals.org import asking, bp
from portals.org.asking import house_money
from portals.shared.downloads import csv_file
from portals.web import paging
from portals.web.db import db
from portals.web.guards import require
from portals.web.htmx import page


def _asked() -> AuditFilter:
    args = request.args
    return AuditFilter(
        actor=args.get("actor", "").strip()[:100],
        action=args.get("action", "").strip()[:60],
        organization_id=g.organization.id,
        start=asking.day(args, "from"),
        end=asking.day(args, "to"),
        zone=g.tz,
    )


def words(detail: dict[str, Any]) -> list[tuple[str, str]]:
    """What is known of an act, for people: amounts in their currency, hashes by their beginning."""
    code, found = detail.get("currency"), []
    for name, value in detail.items():
        if value in (None, "", [], {}) or (name == "currency" and any(key.endswith("_minor") for key in detail)):
            continue
        label = name.removesuffix("_minor").removesuffix("_sha256").replace("_", " ")
        if name.endswith("_minor") and isinstance(value, int) and code in CURRENCIES:
            value = house_money(Money(value, str(code)))
        elif name == "totals" and isinstance(value, dict):
            value = ", ".join(house_money(Money(minor, key)) for key, minor in value.items())
        elif name.endswith("sha256"):
            value = f"{str(value)[:12]}…"
        found.append((label, str(value)))
    return found


@bp.get("/audit")
@require(Permission.AUDIT_READ)
def audit() -> ResponseReturnValue:
    chosen, want = _asked(), paging.wanted()
    found = queries.records(db(), chosen, want.cursor, want.limit)
    return page(
        "org/audit/index.html",
        fragment="org/audit/_list.html",
        found=found,
        chosen=chosen,
        filtered=bool(chosen.actor or chosen.action or chosen.start or chosen.end),
        neighbours=paging.neighbours(found),
        words=words,
    )


@bp.get("/audit.csv")
@require(Permission.AUDIT_READ)
def audit_file() -> ResponseReturnValue:
    session, chosen = db(), _asked()

    def rows() -> Iterator[tuple[object, ...]]:
        for row in queries.all_records(session, chosen):
            detail = "; ".join(f"{name}={value}" for name, value in sorted(row.detail.items()))
            yield row.created_at.isoformat(), row.actor, row.role, row.action, row.subject_kind, row.subject_id, detail

    header = ("Time", "Person", "Role", "Action", "Subject", "Subject id", "Details")
    return csv_file(header, rows(), f"audit-{g.slug}-{today()}.csv")
