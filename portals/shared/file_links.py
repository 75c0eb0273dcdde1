"""Links to one file for somebody without an account, e.g. a bookkeeper: signed, and good for a quarter of an hour."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import current_app, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from app.audit import service as audit
from app.core.errors import Gone, NotFound
from app.core.settings import settings
from app.reporting.files import Belongs
from portals.web.db import db
from portals.web.htmx import page

MINUTES = 15
# The pages of portals that have them: payees call a bill a request.
_PAGES = {
    Belongs.BILL: (("request", "request_id"), ("bill", "request_id")),
    Belongs.PROJECT: (("project", "project_id"),),
    Belongs.DELIVERABLE: (("deliverable", "deliverable_id"),),
    Belongs.CONTRACT: (("contract", "contract_id"),),
}


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="file-link")


def make(file_id: UUID) -> str:
    """The whole address. Whoever has it may download the file until it ends."""
    return settings().base_url + url_for("public.linked_file", token=str(_signer().dumps(file_id.hex)))


def file_of(token: str) -> UUID:
    """Raises Gone when its time is over, NotFound for what we did not sign."""
    try:
        return UUID(_signer().loads(token, max_age=MINUTES * 60))
    except SignatureExpired:
        raise Gone(_("This link was good for %(n)s minutes. Ask for a new one.", n=MINUTES)) from None
    except (BadData, ValueError, TypeError, AttributeError):
        raise NotFound(_("There is no such file.")) from None


def subject_url(row: Any) -> str:
    """Where this portal shows what a file of `reporting.files` came with; empty where it has no such page."""
    if row.belongs == Belongs.MESSAGE:
        return url_for(".thread", thread_id=row.thread_id)
    for endpoint, name in _PAGES.get(row.belongs, ()):
        if f"{request.blueprint}.{endpoint}" in current_app.view_functions:
            return url_for(f".{endpoint}", **{name: row.subject_id})
    return ""


def link(file_id: UUID, name: str, organization_id: UUID) -> ResponseReturnValue:
    """The page that shows a new link; the caller has checked that the reader may have the file."""
    address = ""
    if request.method == "POST":
        audit.record(
            db(), g.actor, "file.link_made", "file", file_id, organization_id=organization_id, minutes=MINUTES
        )  # fmt: skip
        address = make(file_id)
    return page(
        "shared/files/link.html", file_id=file_id, name=name, address=address, minutes=MINUTES
    )  # fmt: skip
