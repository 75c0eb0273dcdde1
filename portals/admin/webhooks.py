"""Events received from rails: by state, with what they said (personal data masked), and run again."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.webhooks import queries, rules, service
from app.webhooks.models import EventStatus
from portals.admin import asking, bp
from portals.web import paging
from portals.web.db import db
from portals.web.htmx import done, page


@bp.get("/webhooks")
def webhooks() -> ResponseReturnValue:
    want = paging.wanted()
    status = asking.one_of(EventStatus, request.args, "status")
    found = queries.events(db(), want.cursor, want.limit, status=status)
    return page(
        "admin/webhooks/index.html",
        fragment="admin/webhooks/_part.html",
        found=found,
        neighbours=paging.neighbours(found),
        state=status,
        states=list(EventStatus),
        counts=queries.counts(db()),
        capped=asking.capped,
    )


@bp.get("/webhooks/<uuid:event_id>")
def webhook(event_id: UUID) -> ResponseReturnValue:
    row = queries.event(db(), event_id)
    return page(
        "admin/webhooks/event.html",
        row=row,
        read=_pretty(rules.masked(row.event)),
        body=_body(row.body),
        sha256=hashlib.sha256(row.body).hexdigest() if row.body else "",
    )


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str)


def _body(raw: bytes | None) -> str:
    """The delivery as masked JSON; "" when it is none, because what cannot be read cannot be masked."""
    if not raw:
        return ""
    try:
        return _pretty(rules.masked(json.loads(raw)))
    except ValueError:
        return ""


@bp.post("/webhooks/<uuid:event_id>/run")
def webhook_run(event_id: UUID) -> ResponseReturnValue:
    """Apply it once more; news applied twice changes nothing."""
    service.run_again(db(), g.actor, event_id)
    back = url_for(".webhook", event_id=event_id)
    return done(back=back, toast=(_("It is run again"), _("A job applies it in a moment.")))
