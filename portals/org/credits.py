"""Seat credits: what is left, the packs, who used which credit, and buying another pack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField
from wtforms.validators import InputRequired

from app.billing import invoice_queries as invoices
from app.billing import pack_bills, packs, queries, rules
from app.billing.documents import DocumentKind
from app.billing.pack_bills import Sides
from app.billing.rules import Sold
from app.billing.states import CreditKind, PackStatus
from app.charges.client_models import Charge
from app.charges.states import ChargeProvider, ChargeStatus
from app.consultations import credits, directory, offerings
from app.consultations.directory import Wanted
from app.core.clock import today
from app.core.errors import Conflict, Invalid, NotFound
from app.core.money import Money
from app.core.scope import Permission
from app.gateways import providers
from app.ledger import service as ledger
from app.organizations.states import BillingMode
from portals.org import bp
from portals.org.asking import house_money, one_id
from portals.shared import cards
from portals.shared.downloads import csv_file
from portals.web import paging
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.guards import require
from portals.web.htmx import done, go, page

KINDS = {CreditKind.USED: _l("Used"), CreditKind.EXPIRED: _l("Expired"), CreditKind.REFUNDED: _l("Refunded")}


class PackForm(OnceForm):
    size = RadioField(_l("How many"), [InputRequired(_l("Choose how many."))])
    pay = RadioField(
        _l("Pay"), [InputRequired(_l("Choose how to pay."))], default="card",
        choices=[
            ("card", _l("By card")),
            ("funds", _l("From our funds and credit, at once")),
            ("invoice", _l("By invoice: the credits are there once it is paid")),
        ],
    )  # fmt: skip


@bp.get("/credits", endpoint="credits")
@require(Permission.CREDIT_READ)
def index() -> ResponseReturnValue:
    want, by_use = paging.wanted(25), request.args.get("view") == "uses"
    found = (credits.uses if by_use else queries.packs)(
        db(), g.organization.id, cursor=want.cursor, limit=want.limit
    )  # fmt: skip
    return page(
        "org/credits/index.html", fragment="org/credits/_uses.html" if by_use else "org/credits/_packs.html",
        found=found, neighbours=paging.neighbours(found), by_use=by_use, kinds=KINDS, minor=Money,
        balances=queries.balances(db(), [g.organization.id]), buys=_buys(),
    )  # fmt: skip


def _buys() -> bool:
    return g.actor.can(Permission.CREDIT_BUY) and g.organization.billing_mode is BillingMode.SEAT_PACK


@bp.get("/credits/uses.csv")
@require(Permission.CREDIT_READ)
def credit_uses_file() -> ResponseReturnValue:
    """Every credit that was used, refunded or has expired, newest first, page by page."""
    session, organization_id = db(), g.organization.id

    def rows() -> Iterator[tuple[object, ...]]:
        cursor: str | None = None
        while True:
            found = credits.uses(session, organization_id, cursor=cursor, limit=200)
            for row in found.items:
                yield (
                    row.created_at.isoformat(), row.title, row.ordinal, row.kind.value,
                    row.client_first_name or "", row.consultant or "",
                    row.starts_at.isoformat() if row.starts_at else "", row.status.value if row.status else "",
                    Money(row.value_minor, row.currency).plain(), row.currency,
                    row.returned_at.isoformat() if row.returned_at else "",
                    "own consultant" if row.own else "",
                )  # fmt: skip
            cursor = found.next_cursor
            if cursor is None:
                return

    header = ("Time", "Credit for", "Number", "What", "Member", "Consultant", "Starts", "Status", "Value", "Currency",
              "Came back", "Own consultant")  # fmt: skip
    return csv_file(header, rows(), f"credits-{g.slug}-{today()}.csv")


@bp.route("/credits/new", methods=["GET", "POST"])
@require(Permission.CREDIT_BUY)
def new_pack() -> ResponseReturnValue:
    """For what, then how many. The address says for what."""
    if g.organization.billing_mode is not BillingMode.SEAT_PACK:
        raise Conflict(packs.BUYS)
    offering_id = one_id(request.args, "offering")
    if offering_id is None:
        return _choose()
    sold = credits.sold(db(), offering_id)
    form, sides = PackForm(), pack_bills.sides(db(), g.organization.id)
    form.size.choices = _sizes(sold, sides)
    if not form.size.choices:
        raise NotFound(_("There are no packs at this price."))
    if form.accepts():
        try:
            with form.refusals():
                return _bought(form, sold)
        except Conflict as refusal:
            form.blame(refusal)
            return _offer(form, sold, sides, 409)
    return _offer(form, sold, sides)


def _offer(form: PackForm, sold: Sold, sides: Sides | None, status: int | None = None) -> ResponseReturnValue:
    if sides is None:
        form.pay.choices = [way for way in form.pay.choices if way[0] != "invoice"]
    return page(
        "org/credits/new.html", form=form, sold=sold, valid_days=rules.VALID_DAYS, status=status,
        funds=ledger.funds(db(), g.organization.id, sold.price.currency),
        terms_days=sides.buyer.terms_days if sides else None,
    )  # fmt: skip


def _bought(form: PackForm, sold: Sold) -> ResponseReturnValue:
    number, _sep, minor = form.size.data.partition("-")
    way = form.pay.data
    provider = ChargeProvider(providers.chosen()) if way == "card" else ChargeProvider.FUNDS
    pack, _charge = packs.buy(
        db(), g.actor, g.organization.id, sold, int(number), provider, Money(int(minor), sold.price.currency),
        by_invoice=way == "invoice",
    )  # fmt: skip
    back = url_for(".pack", pack_id=pack.id)
    if way == "card":
        return done(back=url_for(".pack_payment", pack_id=pack.id))
    if way == "invoice":
        return done(back=back, toast=(_("Ordered"), _("The invoice is on its way by mail.")))
    return done(back=back, toast=(_("Credits bought"), _("%(n)s credits can be used now.", n=pack.credits)))


def _sizes(sold: Sold, sides: Sides | None) -> list[tuple[str, str]]:
    """How many for how much, with tax; what the price cannot be divided into is left out."""
    found = []
    for size in rules.SIZES:
        try:
            price = rules.price_of(sold.price, size)
        except Invalid:
            continue
        quote = pack_bills.quote(sides, sold.title, price)
        text = _("%(n)s credits for %(price)s", n=size.credits, price=house_money(price))
        if size.discount_bps:
            text = _("%(offer)s, %(percent)s %% less", offer=text, percent=f"{size.discount_bps / 100:g}")
        if quote.tax:
            text = _("%(offer)s: %(total)s with tax", offer=text, total=house_money(quote.total))
        found.append((f"{size.credits}-{quote.total.minor}", text))
    return found


def _choose() -> ResponseReturnValue:
    """The platform's lengths, or somebody's own offerings."""
    slug, search = request.args.get("consultant", "")[:100], request.args.get("q", "").strip()[:100]
    row = directory.profile(db(), slug) if slug else None
    offered = offerings.bookable(db(), row.payee_id, row.practice) if row else offerings.sessions(db())
    want = paging.wanted(10)
    found = None if row else directory.search(db(), Wanted(search=search), want.cursor, want.limit)
    return page(
        "org/credits/choose.html", fragment="org/credits/_consultants.html", row=row, search=search, found=found,
        offered=_several(offered), neighbours=paging.neighbours(found) if found else None,
    )  # fmt: skip


def _several(offered: Sequence[offerings.Offering]) -> list[offerings.Offering]:
    """What can be booked more than once."""
    return [one for one in offered if one.starts_at is None]


@bp.get("/credits/<uuid:pack_id>")
@require(Permission.CREDIT_READ)
def pack(pack_id: UUID) -> ResponseReturnValue:
    row = queries.pack(db(), g.organization.id, pack_id)
    want = paging.wanted(25)
    found = credits.uses(db(), g.organization.id, row.id, want.cursor, want.limit)
    charge = queries.charge_of(db(), row.id)
    return page(
        "org/credits/pack.html", fragment="org/credits/_uses.html", row=row, found=found, minor=Money, kinds=KINDS,
        neighbours=paging.neighbours(found), charge=charge, buys=_buys(), came_back=cards.returned(charge),
        documents=invoices.of_pack(db(), row.id), notes=DocumentKind.CREDIT_NOTE,
        reads=g.actor.can(Permission.BILLING_READ), pays=g.actor.can(Permission.BILLING_MANAGE),
    )  # fmt: skip


@bp.post("/credits/<uuid:pack_id>/cancellation")
@require(Permission.CREDIT_BUY)
def pack_cancellation(pack_id: UUID) -> ResponseReturnValue:
    """An order by invoice that nobody paid yet is taken back."""
    row = queries.pack(db(), g.organization.id, pack_id)
    packs.cancel_order(db(), g.actor, row.id)
    toast = (_("Order cancelled"), _("A credit note takes its invoice back."))
    return done(back=url_for(".pack", pack_id=row.id), toast=toast)


@bp.route("/credits/<uuid:pack_id>/payment", methods=["GET", "POST"])
@require(Permission.CREDIT_BUY)
def pack_payment(pack_id: UUID) -> ResponseReturnValue:
    """By a test card in sandbox, or in the provider's own field."""
    row = queries.pack(db(), g.organization.id, pack_id)
    back, charge = url_for(".pack", pack_id=row.id), queries.charge_of(db(), row.id)
    if row.status is not PackStatus.PENDING or charge is None or row.invoice_id is not None:
        return go(back)
    if not cards.is_simulated(charge):
        return _real_card(row, charge, back)
    form = cards.CardForm()
    if form.accepts():
        with form.refusals():
            card = cards.card_of(form.number.data or "")
            cards.give(charge.id, card)
            return done(back=back, toast=(_("Your card is being charged"), _("The credits are there once it is.")))
    return page(
        "org/credits/payment.html", form=form, row=row, price=charge.amount, back=back,
        refused=charge.failure_message if charge.status is ChargeStatus.FAILED else None,
        test_cards=cards.test_cards(),
    )  # fmt: skip


def _real_card(row: Any, charge: Charge, back: str) -> ResponseReturnValue:
    """A POST asks the provider again where that failed; the card itself never comes to us."""
    form = cards.BeginForm()
    if form.accepts():
        with form.refusals():
            packs.ask_again(db(), g.actor, row.id)
            return done(back=url_for(".pack_payment", pack_id=row.id))
    return page(
        "org/credits/card.html", fragment="org/credits/_card.html", row=row, price=charge.amount, back=back, form=form,
        **cards.field_of(charge),
    )  # fmt: skip
