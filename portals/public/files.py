"""A file by its signed link, without signing in: a download, and nothing else."""

from __future__ import annotations

from flask import Response, request

from app.audit import service as audit
from app.core.scope import Actor
from app.reporting import files
from app.reporting.files import FileFilter
from portals.public import bp
from portals.shared.file_links import file_of
from portals.shared.payee.files import download
from portals.web.db import db
from portals.web.ratelimit import limiter


@bp.get("/files/<token>")
@limiter.limit("30 per minute")
def linked_file(token: str) -> Response:
    file_id = file_of(token)
    with db().elevated("a signed file link"):
        found = files.file(db(), file_id, FileFilter())
    answer = download(found.name, found.content_type, found.storage_key)
    answer.headers["Referrer-Policy"] = "no-referrer"
    # After the bytes: reading them ends the first transaction.
    reader = Actor("Somebody with a link", "public", ip=request.remote_addr)
    audit.record(db(), reader, "file.opened_by_link", "file", file_id, organization_id=found.organization_id)
    return answer
