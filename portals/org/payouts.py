"""Payouts of the organization, to read: where each is, what it pays, its papers and its reasons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import g, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.audit import queries as history
from app.audit.models import Audience
from app.core.clock import today
from app.core.errors import NotFound
from app.core.money import Money
from app.core.scope import Permission
from app.payouts import documents, queries, review
from app.payouts.queries import PayoutFilter
from app.payouts.rules import payout_number
from app.payouts.states import PayoutStatus
from app.pdf.render import render_remittance
from app.rails import registry
from app.reporting.money_map import payout_facts
from app.reporting.rules import place_of_payout
from portals.org import asking, bp
from portals.shared.documents import pdf
from portals.shared.downloads import csv_file
from portals.shared.timeline import steps
from portals.web import paging
from portals.web.db import db
from portals.web.formats import masked
from portals.web.guards import require
from portals.web.htmx import page
from portals.web.i18n import reader_locale

P = PayoutStatus
VIEWS: dict[str, tuple[PayoutStatus, ...]] = {
    "all": (),
    "open": (P.PENDING, P.APPROVED),
    "on_hold": (P.ON_HOLD,),
    "sent": (P.PROCESSING,),
    "paid": (P.PAID,),
    "failed": (P.FAILED, P.RETURNED),
    "over": (P.REJECTED, P.CANCELLED),
}
LABELS = {
    "all": _l("All"),
    "open": _l("Being approved"),
    "on_hold": _l("On hold"),
    "sent": _l("On the way"),
    "paid": _l("Paid"),
    "failed": _l("Failed and returned"),
    "over": _l("Canceled"),
}
MOST_ITEMS = 200
HAS_REMITTANCE = (P.PROCESSING, P.PAID)
COLUMNS = ("Payout", "Payee", "Amount", "Currency", "Method", "Status", "Created")


def _asked() -> tuple[str, PayoutFilter, dict[str, str]]:
    args = request.args
    view = args.get("view", "all")
    view = view if view in VIEWS else "all"
    chosen = PayoutFilter(
        statuses=VIEWS[view],
        organization_id=g.organization.id,
        payee_id=asking.one_id(args, "payee"),
        search=args.get("q", "").strip()[:100],
        start=asking.day(args, "from"),
        end=asking.day(args, "to"),
        zone=g.tz,
        own=asking.reads_own(),
    )
    kept = {name: args[name] for name in ("q", "payee", "from", "to") if args.get(name)}
    return view, chosen, {"view": view, **kept}


@bp.get("/payouts")
@require(Permission.PAYOUT_READ)
def payouts() -> ResponseReturnValue:
    view, chosen, query = _asked()
    want = paging.wanted()
    found = queries.payouts(db(), chosen, want.cursor, want.limit)
    return page(
        "org/payouts/index.html",
        fragment="org/payouts/_list.html",
        found=found,
        view=view,
        labels=LABELS,
        query=query,
        filtered=len(query) > 1,
        neighbours=paging.neighbours(found),
        payout_number=payout_number,
        place_of=lambda row: place_of_payout(payout_facts(row)),
    )


@bp.get("/payouts.csv")
@require(Permission.PAYOUT_READ)
def payouts_file() -> ResponseReturnValue:
    view, chosen, _query = _asked()
    session = db()

    def rows() -> Iterator[tuple[object, ...]]:
        for row in review.all_payouts(session, chosen):
            yield (
                payout_number(row.id), row.payee_name, Money(row.amount_minor, row.currency).plain(), row.currency,
                f"{registry.rail(row.rail).label} {masked(row.last4)}", row.status.value,
                row.created_at.isoformat(timespec="seconds"),
            )  # fmt: skip

    return csv_file(COLUMNS, rows(), f"payouts-{g.slug}-{view}-{today()}.csv")


def one(payout_id: UUID) -> Any:
    """Raises NotFound for another organization's (the scope does not show it), Forbidden for what the organization
    is paid itself, when that is not this reader's to see."""
    found = queries.payout(db(), payout_id)
    if found is None or found.organization_id != g.organization.id:
        raise NotFound(_("There is no such payout."))
    if found.own:
        g.actor.require(Permission.ORGANIZATION_EARNINGS)
    return found


@bp.get("/payouts/<uuid:payout_id>")
@require(Permission.PAYOUT_READ)
def payout(payout_id: UUID) -> ResponseReturnValue:
    found = one(payout_id)
    items = queries.items(db(), payout_id, MOST_ITEMS + 1)
    return page(
        "org/payouts/payout.html",
        payout=found,
        amount=Money(found.amount_minor, found.currency),
        number_text=payout_number(payout_id),
        place=place_of_payout(payout_facts(found)),
        steps=steps(history.timeline(db(), payout_id, Audience.STAFF), "payout"),
        items=items[:MOST_ITEMS],
        more_items=len(items) > MOST_ITEMS,
        has_remittance=found.status in HAS_REMITTANCE,
        rail=registry.rail(found.rail),
        reads_bills=g.actor.can(Permission.REQUEST_READ),
    )


@bp.get("/payouts/<uuid:payout_id>/remittance.pdf")
@require(Permission.PAYOUT_READ)
def remittance(payout_id: UUID) -> ResponseReturnValue:
    one(payout_id)
    document = documents.remittance(db(), payout_id, reader_locale())
    return pdf(document, render_remittance, f"remittance-{document.number}")
