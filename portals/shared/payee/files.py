"""Files of this payee: handed out as downloads only, never shown inside a page."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, g
from flask_babel import gettext as _
from werkzeug.exceptions import ServiceUnavailable

from app.core.errors import NotFound
from app.files import service
from app.files.storage import StorageUnavailable
from portals.web.db import db
from portals.web.uploads import fetch

# Should a browser show it all the same: without an origin, scripts, forms or anything from elsewhere.
ALONE = "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def file(file_id: UUID) -> Response:
    found = service.find(db(), file_id)
    if found.payee_id != g.actor.payee_id:
        raise NotFound(_("There is no such file."))
    return download(found.name, found.content_type, found.storage_key)


def download(name: str, content_type: str, storage_key: str) -> Response:
    """The bytes, as a file to keep. 503 while the store does not answer."""
    try:
        content = fetch(storage_key)
    except StorageUnavailable:
        raise ServiceUnavailable() from None
    answer = Response(content, content_type=content_type)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    answer.headers["Content-Security-Policy"] = ALONE
    return answer


def mount(bp: Blueprint) -> None:
    bp.get("/files/<uuid:file_id>")(file)
