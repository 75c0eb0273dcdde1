"""What the organization itself earns of bookings with its consultants, and the payouts its owners ask for."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.audit import queries as history
from app.audit.models import Audience
from app.consultations import earning_sums
from app.core.clock import today
from app.core.errors import Conflict, NotFound
from app.core.scope import Permission
from app.db.paging import AnyRow
from app.methods import queries as methods
from app.methods.states import Proof
from app.payouts import batches, destinations, planning, queries, review
from app.payouts.rules import payout_number
from app.rails import registry
from app.reporting import balances, money_map, provider
from app.reporting.money_map import payout_facts
from app.reporting.rules import place_of_payout
from portals.org import bp
from portals.org.payouts import HAS_REMITTANCE
from portals.org.provider import own, tier
from portals.shared.downloads import csv_file
from portals.shared.payee.payments import HOLD_WORDS, year_start
from portals.shared.timeline import steps
from portals.web import htmx, paging
from portals.web.db import db
from portals.web.forms import BaseForm, OnceForm
from portals.web.guards import require, step_up_required
from portals.web.htmx import done, page

MOST_ITEMS = 200
COLUMNS = ("Earned on", "What", "Consultant", "Booked by own member", "Price", "Your part", "Currency", "Where", "Why")


@bp.get("/earnings")
@require(Permission.ORGANIZATION_EARNINGS)
@tier
def earnings() -> ResponseReturnValue:
    payee_id, want = own(), paging.wanted(25)
    found = money_map.lines(db(), payee_id, organization_id=g.organization.id, cursor=want.cursor, limit=want.limit)
    context = {
        "found": found,
        "bookings": provider.bookings(db(), [line.id for line in found.items if line.kind == "earning"]),
        "neighbours": paging.neighbours(found),
    }
    if not htmx.wants_fragment():
        context |= {
            "balances": balances.balances(db(), payee_id, year_start()),
            "coming": earning_sums.coming(db(), payee_id, g.tz, g.organization.id),
            "hold_words": HOLD_WORDS,
            "year": today().year,
        }
    return page("org/provider/earnings.html", fragment="org/provider/_lines.html", **context)


@bp.get("/earnings.csv")
@require(Permission.ORGANIZATION_EARNINGS)
@tier
def earnings_file() -> ResponseReturnValue:
    """Every earning, newest first, page by page; payouts have a file of their own."""
    session, organization_id, payee_id = db(), g.organization.id, own()

    def rows() -> Iterator[tuple[object, ...]]:
        cursor: str | None = None
        while True:
            found = money_map.lines(session, payee_id, organization_id=organization_id, cursor=cursor, limit=200)
            of = provider.bookings(session, [line.id for line in found.items if line.kind == "earning"])
            for line in found.items:
                if line.kind != "earning":
                    continue
                booked = of.get(line.id)
                yield (
                    line.on.isoformat(), line.title, booked.consultant if booked else "",
                    "own consultant" if booked and booked.own else "", booked.gross.plain() if booked else "",
                    line.amount.plain(), line.amount.currency, line.place.state, line.place.reason,
                )  # fmt: skip
            cursor = found.next_cursor
            if cursor is None:
                return

    return csv_file(COLUMNS, rows(), f"earnings-{g.slug}-{today()}.csv")


@bp.get("/provider-payouts")
@require(Permission.ORGANIZATION_EARNINGS)
@tier
def own_payouts() -> ResponseReturnValue:
    """The batches owners asked for: the days they pay for, and where each payout is."""
    want = paging.wanted(25)
    found = queries.batches(db(), g.organization.id, want.cursor, want.limit, own=True)
    return page(
        "org/provider/payouts.html",
        fragment="org/provider/_payouts.html",
        found=found,
        contents=provider.contents(db(), [row.id for row in found.items]),
        neighbours=paging.neighbours(found),
        place_of=lambda row: place_of_payout(payout_facts(row)),
    )


@bp.route("/provider-payouts/new", methods=["GET", "POST"])
@require(Permission.ORGANIZATION_PAYOUT)
@tier
@step_up_required
def new_own_payout() -> ResponseReturnValue:
    """What would be paid, and by which funds; then it is asked for."""
    payee_id, form = own(), OnceForm()
    if form.accepts():
        try:
            made = batches.ask_own(db(), g.actor, g.organization.id)
        except Conflict as nothing:
            form.blame(nothing)
        else:
            toast = (_("Payout asked for"), _("The platform approves it, then it is sent."))
            return done(back=url_for(".own_payout", batch_id=made.id), toast=toast)
    preview = planning.preview(db(), g.organization.id, own=True)
    accounts, records = _accounts(payee_id, preview), destinations.records(db(), payee_id)
    return page(
        "org/provider/new.html",
        fragment="org/provider/_new.html",
        form=form,
        preview=preview,
        accounts=accounts,
        doubtful=[one for one in accounts.values() if one.id in records and records[one.id].proof is Proof.DOUBTFUL],
        blocked_text=planning.blocked_text,
        rail_label=lambda name: registry.rail(name).label,
    )


def _accounts(payee_id: UUID, preview: planning.Preview) -> dict[str, AnyRow]:
    """Currency → the account it would be paid to."""
    used = {one.currency: one for one in methods.methods(db(), payee_id) if one.is_default}
    return {row.currency: found for row in preview.rails if (found := used.get(row.currency) or used.get(None))}


def _own_batch(batch_id: UUID) -> AnyRow:
    """Raises NotFound for any other batch."""
    found = review.batch(db(), batch_id)
    if found.organization_id != g.organization.id or not found.own:
        raise NotFound(_("There is no such payout."))
    return found


@bp.get("/provider-payouts/<uuid:batch_id>")
@require(Permission.ORGANIZATION_EARNINGS)
@tier
def own_payout(batch_id: UUID) -> ResponseReturnValue:
    found = _own_batch(batch_id)
    contents = provider.contents(db(), [batch_id])[batch_id]
    items = {row.id: queries.items(db(), row.id, MOST_ITEMS + 1) for row in contents.payouts}
    return page(
        "org/provider/payout.html",
        batch=found,
        can_be_taken_back=found.status in batches.OWN_OPEN and g.actor.can(Permission.ORGANIZATION_PAYOUT),
        contents=contents,
        items=items,
        most_items=MOST_ITEMS,
        payout_number=payout_number,
        place_of=lambda row: place_of_payout(payout_facts(row)),
        has_remittance=HAS_REMITTANCE,
        bookings=provider.bookings(db(), [one.earning_id for some in items.values() for one in some]),
        steps=steps(history.timeline(db(), batch_id, Audience.STAFF), "batch"),
    )


@bp.route("/provider-payouts/<uuid:batch_id>/taking-back", methods=["GET", "POST"])
@require(Permission.ORGANIZATION_PAYOUT)
@tier
def own_payout_taking_back(batch_id: UUID) -> ResponseReturnValue:
    """Until the platform has approved it. What was in it is ready again."""
    found, form = _own_batch(batch_id), BaseForm()
    if form.accepts():
        try:
            batches.take_back(db(), g.actor, batch_id)
        except Conflict as too_late:
            form.blame(too_late)
        else:
            toast = (_("%(number)s is taken back", number=found.number), _("What was in it is ready again."))
            return done(back=url_for(".own_payout", batch_id=batch_id), toast=toast)
    return page("org/provider/taking_back.html", fragment="org/provider/_taking_back.html", form=form, batch=found)
