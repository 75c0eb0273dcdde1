"""Files of this payee: the list, and each handed out as a download only, never shown inside a page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import ServiceUnavailable

from app.files.storage import StorageUnavailable
from app.payouts import queries as payouts
from app.payouts.queries import PayoutFilter
from app.payouts.rules import payout_number
from app.reporting import files as reading
from app.reporting.files import Belongs, FileFilter
from portals.shared import file_links
from portals.shared.payee import payers
from portals.shared.payee.payouts import HAS_REMITTANCE
from portals.web import paging
from portals.web.db import db
from portals.web.htmx import page
from portals.web.uploads import fetch

# Should a browser show it all the same: without an origin, scripts, forms or anything from elsewhere.
ALONE = "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
REMITTANCES = "remittance"


def files() -> ResponseReturnValue:
    """`?kind=` bill, message, other, or remittance: those are made when asked for."""
    kind, payer, want = request.args.get("kind", ""), payers.chosen(), paging.wanted(reading.PAGE)
    payer_id = payer.organization_id if payer else None
    search = request.args.get("q", "").strip()[:100]
    made = kind == REMITTANCES
    if made:
        chosen = PayoutFilter(payee_id=g.actor.payee_id, organization_id=payer_id, statuses=HAS_REMITTANCE)
        found = payouts.payouts(db(), chosen, want.cursor, want.limit)
    else:
        belongs = Belongs(kind) if kind in set(Belongs) else None
        wanted = FileFilter(payee_id=g.actor.payee_id, payer_id=payer_id, belongs=belongs, search=search)
        found = reading.files(db(), wanted, want.cursor, want.limit)
    return page(
        "shared/files/index.html",
        fragment="shared/files/_remittances.html" if made else "shared/files/_list.html",
        found=found,
        kind=kind,
        search=search,
        payer=payer,
        side="payee",
        link_of=file_links.subject_url,
        neighbours=paging.neighbours(found),
        payout_number=payout_number,
    )


def _mine(file_id: UUID) -> Any:
    """Raises NotFound for somebody else's, and for what is no file of the payee's own."""
    return reading.file(db(), file_id, FileFilter(payee_id=g.actor.payee_id))


def file(file_id: UUID) -> Response:
    found = _mine(file_id)
    return download(found.name, found.content_type, found.storage_key)


def file_link(file_id: UUID) -> ResponseReturnValue:
    found = _mine(file_id)
    return file_links.link(file_id, found.name, found.organization_id)


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
    bp.get("/files")(files)
    bp.get("/files/<uuid:file_id>")(file)
    bp.route("/files/<uuid:file_id>/link", methods=["GET", "POST"])(file_link)
