"""/api/creator: this portal as JSON, with the deliverables as the creator's projects."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, jsonify, request
from flask_babel import gettext as _

from app.core.errors import Invalid
from app.db.paging import AnyRow
from app.deliverables import queries, service, submitting
from app.deliverables.queries import Wanted
from app.deliverables.states import DeliverableStatus
from app.identity.states import Portal
from portals.shared.payee_api import payee_api
from portals.web.asked import word
from portals.web.db import db
from portals.web.jsonio import amount, cursor, limit, listed

bp = payee_api(Portal.CREATOR)


@bp.get("/projects")
def projects() -> Response:
    """Newest move first; `status` narrows. `nextCursor` is null on the last page."""
    wanted = Wanted(payee_id=g.actor.payee_id, status=word(DeliverableStatus, "status"))
    found = queries.deliverables(db(), wanted, cursor(), limit())
    return listed(found, [_json(row) for row in found.items])


@bp.patch("/projects/<uuid:deliverable_id>")
def project(deliverable_id: UUID) -> Response:
    """`{status}` as the creator may: `in_progress`, or `submitted` with `links` and a `note`.

    With `version` only if nobody was faster (409).
    """
    row = queries.detail(db(), _mine(), deliverable_id)
    body = request.get_json(silent=True)
    given: dict[str, Any] = body if isinstance(body, dict) else {}
    status, version = str(given.get("status", "")).lower(), given.get("version")
    if status not in set(DeliverableStatus):
        known = ", ".join(DeliverableStatus)
        raise Invalid(_("That is not a status of a deliverable."), fields={"status": f"One of {known}."})
    if version is not None and type(version) is not int:
        raise Invalid(_("The version is a whole number."), fields={"version": "A whole number."})
    if status == DeliverableStatus.SUBMITTED:
        links, note = _sent(given)
        submitting.submit(db(), g.actor, row.id, links=links, note=note, version=version)
    else:
        service.move(db(), g.actor, row.id, DeliverableStatus(status), version=version)
    return jsonify(_json(queries.detail(db(), _mine(), deliverable_id)))


def _sent(given: dict[str, Any]) -> tuple[list[str], str]:
    links, note = given.get("links", []), given.get("note", "")
    if not isinstance(links, list) or not all(isinstance(link, str) for link in links):
        raise Invalid(_("Links are a list of addresses."), fields={"links": "A list of addresses."})
    if not isinstance(note, str):
        raise Invalid(_("The note is text."), fields={"note": "Text."})
    return links, note


def _mine() -> Wanted:
    return Wanted(payee_id=g.actor.payee_id)


def _json(row: AnyRow) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "reference": row.reference,
        "title": row.title,
        "brief": row.brief,
        "kind": row.content.value,
        "status": row.status.value,
        "organization": row.organization_name,
        "fee": amount(queries.fee(row)),
        "dueOn": row.due_on.isoformat() if row.due_on else None,
        "submissions": row.submissions,
        "revisionNote": row.revision_note,
        "publishedUrl": row.published_url,
        "movedAt": row.moved_at.isoformat(),
        "movedBy": row.moved_by,
        "version": row.version,
    }
