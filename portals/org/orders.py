"""Orders that came with a discount code: what each earned its creator, and what a person has to decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import RadioField, SelectField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.audit import queries as history
from app.audit.models import Audience
from app.core.clock import today
from app.core.errors import Conflict
from app.core.money import Money
from app.core.scope import Permission
from app.db.paging import MAX_LIMIT, AnyRow
from app.gateways.shops import ChangeKind
from app.payees import queries as payees
from app.payees.states import PayeeKind
from app.sales import codes, listing, queries, service
from app.sales.listing import CLAIMABLE, Filters
from app.sales.service import LONGEST_REASON
from app.sales.states import Commission, OrderSource, OrderStatus
from portals.org import asking, bp
from portals.org.asking import Applied
from portals.shared.downloads import csv_file
from portals.shared.timeline import Step, steps
from portals.web import htmx, paging
from portals.web.db import db
from portals.web.filters import date_text, number
from portals.web.forms import OnceForm
from portals.web.guards import require
from portals.web.htmx import done, page

VIEWS = {"all": _l("All"), "claimable": _l("To claim"), "own": _l("Own purchases"), "earned": _l("Credited")}
NAMES = ("q", "status", "source", "code", "payee", "from", "to")
SOURCES = {
    OrderSource.SHOPIFY: _l("Shopify"),
    OrderSource.WOOCOMMERCE: _l("WooCommerce"),
    OrderSource.GENERIC: _l("Webhook"),
    OrderSource.API: _l("API"),
    OrderSource.IMPORT: _l("File"),
}
WHAT = {ChangeKind.REFUND: _l("Refund"), ChangeKind.CANCEL: _l("Cancellation"), ChangeKind.CHARGEBACK: _l("Chargeback")}
WHY = {
    Commission.UNKNOWN_CODE: _l("No creator has this code. Claim it for one, and its orders are credited."),
    Commission.NOT_ACTIVE: _l("The code or its creator was not active when the order came. Credit it once they are."),
    Commission.SELF_REFERRAL: _l("The buyer’s e-mail is the creator’s own. Nothing is credited until you decide."),
    Commission.DISMISSED: _l("You decided that this order earns no commission."),
    Commission.NOTHING: _l("There is nothing to credit: the rate or what is left of the order is zero."),
    Commission.EARNED: _l("The commission was credited by itself, at the rate of that day."),
}
COLUMNS = (
    "Order", "Ordered", "Source", "Code", "Creator", "Currency", "Basis", "Given back", "Commission", "Rate (%)",
    "Order status", "Commission status",
)  # fmt: skip


class ClaimForm(OnceForm):
    payee = SelectField(_l("Creator"), choices=lambda: creators(), validators=[InputRequired(_l("Choose a creator."))])


class DecisionForm(OnceForm):
    earns = RadioField(
        _l("Decision"),
        [InputRequired(_l("Choose one."))],
        choices=[("yes", _l("Give the commission all the same")), ("no", _l("No commission"))],
    )
    reason = TextAreaField(_l("Reason"), [InputRequired(_l("Give a reason.")), Length(max=LONGEST_REASON)])


def creators() -> list[tuple[str, str]]:
    """The newest creators of the organization, for a choice."""
    if "creators" not in g:
        g.creators = payees.payees(db(), g.organization.id, kind=PayeeKind.CREATOR, limit=MAX_LIMIT).items
    return [("", _("Choose…"))] + [(str(row.payee_id), row.name) for row in g.creators]


def _asked() -> tuple[str, Filters, dict[str, str]]:
    """The view, what the database is asked, and what stands in the address."""
    args = request.args
    view = args.get("view", "all")
    view = view if view in VIEWS else "all"
    chosen = Filters(
        status=asking.one_of(OrderStatus, args, "status"),
        source=asking.one_of(OrderSource, args, "source"),
        commission={"own": Commission.SELF_REFERRAL, "earned": Commission.EARNED}.get(view),
        claimable=view == "claimable",
        payee_id=asking.one_id(args, "payee"),
        code=args.get("code", "").strip()[:60],
        search=args.get("q", "").strip()[:100],
        since=asking.day(args, "from"),
        until=asking.day(args, "to"),
    )
    kept = {name: args[name][:100] for name in NAMES if args.get(name)}
    return view, chosen, {"view": view, **kept}


def _applied(chosen: Filters) -> list[Applied]:
    facts = [
        ("payee", _("Creator"), dict(creators()).get(str(chosen.payee_id), _("unknown")) if chosen.payee_id else ""),
        ("code", _("Code"), chosen.code),
        ("q", _("Search"), chosen.search),
        ("from", _("From"), date_text(chosen.since) if chosen.since else ""),
        ("to", _("To"), date_text(chosen.until) if chosen.until else ""),
    ]
    return [Applied(label, str(value), asking.without(name)) for name, label, value in facts if value]


@bp.get("/orders")
@require(Permission.SALES_READ)
def orders() -> ResponseReturnValue:
    view, chosen, query = _asked()
    want = paging.wanted()
    found = listing.orders(db(), g.organization.id, chosen, want.cursor, want.limit)
    return page(
        "org/orders/index.html",
        fragment="org/orders/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        view=view,
        views=VIEWS,
        chosen=chosen,
        query=query,
        applied=_applied(chosen),
        filtered=len(query) > 1 or view != "all",
        statuses=OrderStatus,
        sources=SOURCES,
        commission_of=queries.commission_of,
        basis_of=basis_of,
        connected=htmx.wants_fragment() or bool(listing.stores(db(), g.organization.id)),
    )


def basis_of(row: AnyRow) -> Money:
    return Money(row.basis_minor, row.currency)


@bp.get("/orders.csv")
@require(Permission.SALES_READ)
def orders_file() -> Response:
    """Everything the filters of the address find, newest first."""
    view, chosen, _query = _asked()
    session, organization_id = db(), g.organization.id

    def rows() -> Iterator[tuple[object, ...]]:
        for row in listing.all_orders(session, organization_id, chosen):
            earned = queries.commission_of(row)
            yield (
                row.number, row.ordered_at.isoformat(timespec="seconds"), row.source.value, row.code, row.payee_name,
                row.currency, basis_of(row).plain(), Money(row.refunded_minor, row.currency).plain(),
                earned.plain() if earned else "", "" if row.commission_bps is None else f"{row.commission_bps / 100:g}",
                row.status.value, row.commission.value,
            )  # fmt: skip

    return csv_file(COLUMNS, rows(), f"orders-{g.slug}-{view}-{today()}.csv")


@bp.get("/orders/<uuid:order_id>")
@require(Permission.SALES_READ)
def order(order_id: UUID) -> ResponseReturnValue:
    row = listing.order(db(), g.organization.id, order_id)
    managing = g.actor.can(Permission.SALES_MANAGE)
    return page(
        "org/orders/order.html",
        row=row,
        basis=basis_of(row),
        commission=queries.commission_of(row),
        changes=listing.changes(db(), g.organization.id, order_id),
        steps=_steps(row),
        source=SOURCES[row.source],
        what=WHAT,
        why=WHY[row.commission],
        claimable=managing and row.commission in CLAIMABLE,
        undecided=managing and row.commission is Commission.SELF_REFERRAL,
        in_currency=lambda minor: Money(minor, row.currency),
    )


def _steps(row: AnyRow) -> list[Step]:
    """From the moment it came in, through what became of the order and of its commission."""
    note = _("%(source)s · %(when)s", source=SOURCES[row.source], when=date_text(row.created_at, "full"))
    events = [(event.at, "order", event) for event in history.timeline(db(), row.id, Audience.STAFF)]
    if row.earning_id is not None:
        events += [(event.at, "earning", event) for event in history.timeline(db(), row.earning_id, Audience.STAFF)]
    events.sort(key=lambda one: one[0])
    told = [steps([event], kind)[0] for _at, kind, event in events]
    passed = [replace(step, state="done") if step.state in ("now", "hold") else step for step in told[:-1]]
    return [Step("done", _("The order came in"), note), *passed, *told[-1:]]


@bp.route("/orders/<uuid:order_id>/claim", methods=["GET", "POST"])
@require(Permission.SALES_MANAGE)
def order_claim(order_id: UUID) -> ResponseReturnValue:
    """Give the orders with this code to a creator: to the one who has it, or to whom it is given now."""
    row = listing.order(db(), g.organization.id, order_id)
    if row.commission not in CLAIMABLE:
        raise Conflict(_("This order does not wait to be claimed any more."))
    known = listing.code_named(db(), g.organization.id, row.code)
    form = ClaimForm(payee=str(known.payee_id) if known else "")
    if known:
        del form.payee
    if form.accepts():
        try:
            with form.refusals():
                code_id = known.id if known else _given(form, row.code)
                return claimed(service.claim(db(), g.actor, g.organization.id, code_id), order_id)
        except Conflict as taken:
            form.blame(taken)
    waits = listing.count(db(), g.organization.id, Filters(claimable=True, code=row.code))
    return page(
        "org/orders/claim.html",
        fragment="org/orders/_claim.html",
        form=form,
        row=row,
        known=known,
        waits=waits,
        waits_text=asking.capped(waits),
        nobody=not known and len(creators()) == 1,
    )


def _given(form: ClaimForm, code: str) -> UUID:
    return codes.add_code(db(), g.actor, g.organization.id, UUID(form.payee.data), code).id


def claimed(count: int, order_id: UUID | None = None) -> ResponseReturnValue:
    said = ngettext("%(n)s order credited", "%(n)s orders credited", count, n=number(count))
    return done(back=url_for(".order", order_id=order_id) if order_id else url_for(".codes"), toast=said)


@bp.route("/orders/<uuid:order_id>/decision", methods=["GET", "POST"])
@require(Permission.SALES_MANAGE)
def order_decision(order_id: UUID) -> ResponseReturnValue:
    """A creator bought with their own code."""
    row: Any = listing.order(db(), g.organization.id, order_id)
    if row.commission is not Commission.SELF_REFERRAL:
        raise Conflict(_("There is nothing to decide about this order, or somebody has decided already."))
    form = DecisionForm()
    if form.accepts():
        with form.refusals():
            earns = form.earns.data == "yes"
            service.decide_self_referral(
                db(), g.actor, g.organization.id, order_id, earns=earns, reason=form.reason.data
            )
            said = _("The commission is given") if earns else _("No commission for this order")
            return done(back=url_for(".order", order_id=order_id), toast=said)
    return page("org/orders/decision.html", fragment="org/orders/_decision.html", form=form, row=row)
