"""Files that came with bills and messages of this organization."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, request
from flask.typing import ResponseReturnValue

from app.core.scope import Permission
from app.reporting import files as reading
from app.reporting.files import Belongs, FileFilter
from portals.org import asking, bp
from portals.shared import file_links
from portals.shared.payee.files import download
from portals.web import paging
from portals.web.db import db
from portals.web.guards import require
from portals.web.htmx import page


@bp.get("/files")
@require(Permission.FILE_READ)
def files() -> ResponseReturnValue:
    """`?payee=<id>`: of that payee only."""
    want = paging.wanted(reading.PAGE)
    wanted = FileFilter(
        organization_id=g.organization.id,
        payee_id=request.args.get("payee", type=UUID),
        belongs=asking.one_of(Belongs, request.args, "kind"),
        search=request.args.get("q", "").strip()[:100],
    )
    found = reading.files(db(), wanted, want.cursor, want.limit)
    return page(
        "shared/files/index.html",
        fragment="shared/files/_list.html",
        found=found,
        kind=wanted.belongs.value if wanted.belongs else "",
        search=wanted.search,
        side="organization",
        link_of=file_links.subject_url,
        neighbours=paging.neighbours(found),
    )


def _ours(file_id: UUID) -> Any:
    """Raises NotFound; uploaded tables and files of bills that were not sent are no business of staff."""
    return reading.file(db(), file_id, FileFilter(organization_id=g.organization.id))


@bp.get("/files/<uuid:file_id>")
@require(Permission.FILE_READ)
def file(file_id: UUID) -> Response | ResponseReturnValue:
    found = _ours(file_id)
    return download(found.name, found.content_type, found.storage_key)


@bp.route("/files/<uuid:file_id>/link", methods=["GET", "POST"])
@require(Permission.FILE_READ)
def file_link(file_id: UUID) -> ResponseReturnValue:
    found = _ours(file_id)
    return file_links.link(file_id, found.name, found.organization_id)
