"""Files of banks as they come in, on a page or by a program: read once, kept as evidence, noted."""

from __future__ import annotations

import hashlib

from flask import g, request
from flask_babel import gettext as _
from werkzeug.exceptions import ServiceUnavailable

from app.billing.profiles import house_of
from app.core.errors import Invalid, NotFound
from app.core.tables.choices import Choices
from app.core.tables.text import MAX_BYTES
from app.files import service as files
from app.files.models import FilePurpose
from app.files.sniffing import Inspected, clean_name
from app.files.storage import StorageUnavailable, storage
from app.reconciliation import statements as service
from app.reconciliation.models import BankStatement
from app.reconciliation.reading import camt, tables
from app.reconciliation.states import StatementKind
from portals.web.db import db, paused
from portals.web.setup import MAX_UPLOAD
from portals.web.uploads import fetch

MOST_MEGABYTES = min(MAX_BYTES, camt.MAX_BYTES, MAX_UPLOAD) // (1024 * 1024) - 1  # a form is larger than its file


def received() -> tuple[str, bytes]:
    """Name and bytes of what was chosen. Raises Invalid when there is nothing, or too much."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        raise Invalid(_("Choose a file."), fields={"file": _("Choose a file.")})
    body = upload.stream.read(MOST_MEGABYTES * 1024 * 1024 + 1)
    if len(body) > MOST_MEGABYTES * 1024 * 1024:
        said = _("The file is larger than %(n)s MB. Split it.", n=MOST_MEGABYTES)
        raise Invalid(said, fields={"file": said})
    return clean_name(upload.filename), body


def kept(name: str, body: bytes, account: str, currency: str) -> BankStatement:
    """Read it once to know that it can be, put it into the store, note it. Raises Invalid."""
    kind, choices = service.kind_of(body), Choices()
    house = house_of(db())
    if kind is StatementKind.CAMT:
        camt.read_camt(body)
    else:
        choices = service.remembered(db(), account, tables.open_table(body).headings) or choices
    try:
        with paused():
            key = storage().put(body)
    except StorageUnavailable:
        raise ServiceUnavailable() from None
    content_type = "application/xml" if kind is StatementKind.CAMT else "text/csv"
    inspected = Inspected(name, content_type, len(body), hashlib.sha256(body).hexdigest())
    row = files.add(db(), g.actor, inspected, key, organization_id=house, purpose=FilePurpose.RETURNS)
    return service.keep(
        db(), g.actor, account=account, currency=currency, kind=kind, file_id=row.id, name=name,
        sha256=inspected.sha256, choices=choices,
    )  # fmt: skip


def body_of(record: BankStatement) -> bytes:
    """Raises NotFound; 503 while the store does not answer."""
    if record.file_id is None:
        raise NotFound(_("The file of this statement was not kept."))
    try:
        return fetch(files.find(db(), record.file_id).storage_key)
    except StorageUnavailable:
        raise ServiceUnavailable() from None
