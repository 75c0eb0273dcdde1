"""One payout: where it stands, what it pays, its remittance advice, and what to do when it did not arrive."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.audit import queries as audit
from app.core.errors import NotFound
from app.core.money import Money
from app.payouts import documents, queries
from app.payouts.rules import payout_number
from app.payouts.states import PayoutStatus
from app.pdf.render import render_remittance
from app.reporting.money_map import payout_facts
from app.reporting.rules import place_of_payout
from portals.shared.documents import pdf
from portals.shared.payee import payers
from portals.shared.payee.journey import steps, target
from portals.web.db import db
from portals.web.htmx import page
from portals.web.i18n import reader_locale

MOST_ITEMS = 200
HAS_REMITTANCE = (PayoutStatus.PROCESSING, PayoutStatus.PAID)


def payout(payout_id: UUID) -> ResponseReturnValue:
    found = _mine(payout_id)
    events = audit.timeline(db(), payout_id)
    items = queries.items(db(), payout_id, MOST_ITEMS + 1)
    return page(
        "shared/payee/payouts/show.html",
        payout=found,
        amount=Money(found.amount_minor, found.currency),
        number=payout_number(payout_id),
        place=place_of_payout(payout_facts(found)),
        steps=steps(found, events),
        events=events,
        target=target(found),
        items=items[:MOST_ITEMS],
        more_items=len(items) > MOST_ITEMS,
        may_bill=payers.may_bill(),
        has_remittance=found.status in HAS_REMITTANCE,
    )


def _mine(payout_id: UUID) -> Any:
    """Raises NotFound for somebody else's: the scope does not show it."""
    found = queries.payout(db(), payout_id)
    if found is None or found.payee_id != g.actor.payee_id:
        raise NotFound(_("There is no such payout."))
    return found


def remittance(payout_id: UUID) -> Response:
    _mine(payout_id)
    document = documents.remittance(db(), payout_id, reader_locale())
    return pdf(document, render_remittance, f"remittance-{document.number}")


def mount(bp: Blueprint) -> None:
    bp.get("/payouts/<uuid:payout_id>")(payout)
    bp.get("/payouts/<uuid:payout_id>/remittance.pdf")(remittance)
