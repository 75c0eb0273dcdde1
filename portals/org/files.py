"""Files that came with bills and messages of this organization."""

from __future__ import annotations

from uuid import UUID

from flask import Response, g
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import NotFound
from app.core.scope import Permission
from app.files import service
from app.files.models import FilePurpose, StoredFile
from portals.org import bp
from portals.shared.payee.files import download
from portals.web.db import db
from portals.web.guards import require


def ours(file_id: UUID) -> StoredFile:
    """An attachment; uploaded tables and bank details are no business of this page. Raises NotFound."""
    found = service.find(db(), file_id)
    if found.organization_id != g.organization.id or found.purpose is not FilePurpose.ATTACHMENT:
        raise NotFound(_("There is no such file."))
    return found


@bp.get("/files/<uuid:file_id>")
@require(Permission.FILE_READ)
def file(file_id: UUID) -> Response | ResponseReturnValue:
    found = ours(file_id)
    return download(found.name, found.content_type, found.storage_key)
