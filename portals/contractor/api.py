"""/api/contractor: this portal as JSON, with the board of projects."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, jsonify, request
from flask_babel import gettext as _

from app.core.errors import Invalid
from app.db.paging import AnyRow
from app.identity.states import Portal
from app.projects import queries, service
from app.projects.queries import Whose
from app.projects.states import ProjectStatus, Stage
from portals.shared.payee_api import payee_api
from portals.web.asked import word
from portals.web.db import db
from portals.web.jsonio import cursor, limit, listed

bp = payee_api(Portal.CONTRACTOR)


@bp.get("/projects")
def projects() -> Response:
    """Newest move first; `stage` narrows to one column. `nextCursor` is null on the last page."""
    found = queries.projects(db(), _mine(), stage=word(Stage, "stage"), cursor=cursor(), limit=limit())
    return listed(found, [_json(row) for row in found.items])


@bp.patch("/projects/<uuid:project_id>")
def project(project_id: UUID) -> Response:
    """`{status}` as the board allows; with `version` only if nobody was faster (409)."""
    row = queries.detail(db(), _mine(), project_id)
    body = request.get_json(silent=True)
    given: dict[str, Any] = body if isinstance(body, dict) else {}
    status, version = str(given.get("status", "")).lower(), given.get("version")
    if status not in set(ProjectStatus):
        known = ", ".join(ProjectStatus)
        raise Invalid(_("That is not a status of a project."), fields={"status": f"One of {known}."})
    if version is not None and type(version) is not int:
        raise Invalid(_("The version is a whole number."), fields={"version": "A whole number."})
    service.move(db(), g.actor, row.id, ProjectStatus(status), version=version)
    return jsonify(_json(queries.detail(db(), _mine(), project_id)))


def _mine() -> Whose:
    return Whose(payee_id=g.actor.payee_id)


def _json(row: AnyRow) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "reference": row.reference,
        "title": row.title,
        "description": row.description,
        "status": row.live,
        "stage": row.stage,
        "organization": row.organization_name,
        "rateKind": row.rate_kind,
        "rate": {"amountMinor": row.rate_minor, "currency": row.currency},
        "amount": {"amountMinor": row.amount_minor, "currency": row.currency},
        "workedMinutes": row.worked_minutes,
        "dueOn": row.due_on.isoformat() if row.due_on else None,
        "movedAt": row.moved_at.isoformat(),
        "movedBy": row.moved_by,
        "version": row.version,
    }
