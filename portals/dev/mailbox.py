"""The sandbox's mailbox: every mail that was sent, with its links."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.core.settings import settings
from app.notify import queries, rendering
from jobs import documents
from portals.dev import bp
from portals.web import paging
from portals.web.db import db
from portals.web.htmx import page


@bp.get("/mailbox")
def mailbox() -> ResponseReturnValue:
    want = paging.wanted()
    to = request.args.get("to", "").strip()
    found = queries.mailbox(db(), to, want.cursor, want.limit)
    return page(
        "dev/mailbox/index.html",
        fragment="dev/mailbox/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        to=to,
        sends=bool(settings().smtp_url),
    )


@bp.get("/mailbox/<uuid:mail_id>")
def message(mail_id: UUID) -> ResponseReturnValue:
    found = queries.message(db(), mail_id)
    return page("dev/mailbox/message.html", found=found, body=rendering.render(found.template, found.context))


@bp.get("/mailbox/<uuid:mail_id>/attachment")
def attachment(mail_id: UUID) -> ResponseReturnValue:
    """What the mail carries, made as the job that sends it makes it."""
    found = queries.message(db(), mail_id)
    if not found.attachment:
        raise NotFound("This message has no attachment.")
    made = documents.make(found.attachment)
    answer = Response(made.content, content_type=made.content_type)
    answer.headers.set("Content-Disposition", "attachment", filename=made.name)
    return answer
