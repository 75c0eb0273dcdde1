"""One line of the statement with its timeline: in the drawer below its row, or as a page."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import NotFound
from app.reporting import money_map
from app.reporting.lives import life
from portals.shared.payee import payers
from portals.shared.timeline import steps
from portals.web.db import db
from portals.web.htmx import page


def bill_line(request_id: UUID) -> ResponseReturnValue:
    return _shown("bill", request_id)


def earning_line(earning_id: UUID) -> ResponseReturnValue:
    return _shown("earning", earning_id)


def payout_line(payout_id: UUID) -> ResponseReturnValue:
    return _shown("payout", payout_id)


def _shown(kind: str, line_id: UUID) -> ResponseReturnValue:
    """Raises NotFound for somebody else's: the scope does not show it."""
    found = money_map.line(db(), kind, line_id)
    if found is None:
        raise NotFound(_("There is no such line."))
    events = life(db(), kind, line_id)
    return page(
        "shared/payee/payments/line.html",
        fragment="shared/payee/payments/_line.html",
        line=found,
        steps=steps(events, "payout" if kind == "payout" else ""),
        may_bill=payers.may_bill(),
    )


def mount(bp: Blueprint) -> None:
    bp.get("/payments/lines/bill/<uuid:request_id>")(bill_line)
    bp.get("/payments/lines/earning/<uuid:earning_id>")(earning_line)
    bp.get("/payments/lines/payout/<uuid:payout_id>")(payout_line)
