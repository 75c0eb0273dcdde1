"""The organization's own audit trail: who did what, when."""

from __future__ import annotations

from collections.abc import Iterator

from flask import g, request
from flask.typing import ResponseReturnValue

from app.audit import queries
from app.audit.queries import AuditFilter
from app.core.clock import today
from app.core.scope import Permission
from portals.org import asking, bp
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
        file_url=paging.url_with(),
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
