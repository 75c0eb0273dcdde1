"""Tables that members upload: kept whole between the steps of an import, sealed where they hold bank details."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from flask import g
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import ServiceUnavailable

from app.core import crypto
from app.core.errors import Invalid, NotFound
from app.files import service as files
from app.files.models import FilePurpose, StoredFile
from app.files.sniffing import Inspected, clean_name
from app.files.storage import StorageUnavailable, storage
from app.payables.importing import MAX_BYTES
from portals.web.db import db, paused
from portals.web.forms import BaseForm
from portals.web.setup import MAX_UPLOAD
from portals.web.uploads import fetch

_CONTEXT = "files.methods"
MOST_MEGABYTES = min(MAX_BYTES, MAX_UPLOAD) // (1024 * 1024) - 1  # a form is a little larger than its file


def received(upload: FileStorage | None) -> tuple[str, bytes]:
    """Name and bytes of what was chosen. Raises Invalid when there is nothing, or too much."""
    if upload is None or not upload.filename:
        raise Invalid(_("Choose a file."), fields={"file": _("Choose a file.")})
    most = MOST_MEGABYTES * 1024 * 1024
    body = upload.stream.read(most + 1)
    if len(body) > most:
        said = _("The file is larger than %(n)s MB. Split it.", n=MOST_MEGABYTES)
        raise Invalid(said, fields={"file": said})
    return clean_name(upload.filename), body


@contextmanager
def refusals(form: BaseForm) -> Iterator[None]:
    """As `form.refusals`, for a form with a `file`: what is wrong with it stands beside its field."""
    try:
        with form.refusals():
            yield
    finally:
        if form.form_errors:
            form["file"].errors = [*form["file"].errors, *form.form_errors]
            form.form_errors.clear()


def keep(name: str, body: bytes, purpose: FilePurpose, content_type: str = "text/csv") -> StoredFile:
    """Put the bytes into the store and note whose they are. Call before the first change of the request."""
    try:
        with paused():
            key = storage().put(body)
    except StorageUnavailable:
        raise ServiceUnavailable() from None
    inspected = Inspected(name, content_type, len(body), hashlib.sha256(body).hexdigest())
    return files.add(db(), g.actor, inspected, key, organization_id=g.organization.id, purpose=purpose)


def kept(file_id: UUID | None) -> bytes:
    """The bytes of an import's file. Raises NotFound when they were given up with it; 503 as `content`."""
    if file_id is None:
        raise NotFound(_("The file of this import was not kept."))
    return content(files.find(db(), file_id))


def content(row: StoredFile) -> bytes:
    """Raises NotFound; 503 while the store does not answer."""
    try:
        return fetch(row.storage_key)
    except StorageUnavailable:
        raise ServiceUnavailable() from None


def keep_sealed(name: str, body: bytes, options: Mapping[str, str]) -> StoredFile:
    """Bank details never lie open: the table is sealed before it leaves this process."""
    payload = {"body": base64.b64encode(body).decode(), "options": dict(options)}
    sealed = crypto.seal(payload, f"{_CONTEXT}:{g.organization.id}").encode()
    return keep(name, sealed, FilePurpose.METHODS, "application/octet-stream")


def open_sealed(row: StoredFile) -> tuple[bytes, dict[str, Any]]:
    """What `keep_sealed` kept: the table and its options. Raises NotFound."""
    organization_id: UUID = row.organization_id
    payload = crypto.open_sealed(content(row).decode(), f"{_CONTEXT}:{organization_id}")
    return base64.b64decode(payload["body"]), payload["options"]
