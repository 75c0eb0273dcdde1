"""Who did what, for the platform: every organization, filtered by the address, also as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator

from flask import g, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.audit import queries, service
from app.audit.queries import AuditFilter
from app.core.clock import today
from portals.admin import asking, bp
from portals.admin.asking import Applied
from portals.shared.downloads import csv_file
from portals.web import paging
from portals.web.db import db
from portals.web.filters import date_text
from portals.web.htmx import page

COLUMNS = ("at", "actor", "role", "action", "subject", "subject_id", "organization", "ip", "request", "detail")
NAMES = ("actor", "action", "organization", "from", "to")


def _values() -> dict[str, str]:
    return {name: text for name in NAMES if (text := request.args.get(name, "").strip()[:100])}


def _asked() -> tuple[AuditFilter, list[Applied]]:
    """The filter of the address, and what of it is on."""
    values = _values()
    organization = asking.organization_named(values.get("organization", ""))
    start, end = asking.day(request.args, "from"), asking.day(request.args, "to")
    chosen = AuditFilter(
        actor=values.get("actor", ""),
        action=values.get("action", ""),
        organization_id=organization.id if organization else None,
        start=start,
        end=end,
        zone=g.tz,
    )
    facts = [
        ("actor", _("Person"), chosen.actor),
        ("action", _("Action"), chosen.action),
        ("organization", _("Organization"), organization.name if organization else ""),
        ("from", _("From"), date_text(start) if start else ""),
        ("to", _("To"), date_text(end) if end else ""),
    ]
    return chosen, [Applied(label, value, asking.without(name)) for name, label, value in facts if value]


@bp.get("/audit")
def audit() -> ResponseReturnValue:
    want = paging.wanted()
    chosen, applied = _asked()
    found = queries.records(db(), chosen, want.cursor, want.limit)
    return page(
        "admin/audit/index.html",
        fragment="admin/audit/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        applied=applied,
        values=_values(),
        organizations=asking.organization_choices(),
        names={row.id: row for row in asking.organization_choices()},
    )


@bp.get("/audit.csv")
def audit_file() -> ResponseReturnValue:
    """The same filter as a file; taking it is an act of its own in the trail."""
    (chosen, _applied), session = _asked(), db()
    slugs = {row.id: row.slug for row in asking.organization_choices()}
    service.record(session, g.actor, "audit.downloaded", "audit", **{f"filter_{k}": v for k, v in _values().items()})

    def rows() -> Iterator[tuple[object, ...]]:
        for row in queries.all_records(session, chosen):
            yield (
                row.created_at.isoformat(timespec="seconds"), row.actor, row.role, row.action, row.subject_kind,
                row.subject_id or "", slugs.get(row.organization_id, row.organization_id or ""), row.ip or "",
                row.request_id or "", json.dumps(row.detail, sort_keys=True, ensure_ascii=False),
            )  # fmt: skip

    return csv_file(COLUMNS, rows(), f"audit-{today()}.csv")
