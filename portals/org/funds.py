"""The funds account: what is there, what payouts need, deposits, and every line with the balance after it."""

from __future__ import annotations

from collections.abc import Iterator

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.charges import queries, service
from app.charges.rules import LONGEST_REFERENCE
from app.core.clock import today
from app.core.errors import Conflict
from app.core.money import CURRENCIES
from app.core.scope import Permission
from app.payouts.rules import payout_number
from app.reporting import organization
from app.reporting.organization import Position
from portals.org import asking, bp
from portals.org.asking import house_money
from portals.shared.downloads import csv_file
from portals.web import paging
from portals.web.db import db
from portals.web.forms import MoneyField, OnceForm
from portals.web.guards import require
from portals.web.htmx import done, page

DEPOSITS = 10


class DepositForm(OnceForm):
    amount = MoneyField(_l("Amount"), [InputRequired(_l("Give the amount."))], currency_field="currency")
    currency = SelectField(_l("Currency"), choices=sorted(CURRENCIES))
    reference = StringField(
        _l("Reference"),
        [InputRequired(_l("Give the reference of the transfer.")), Length(max=LONGEST_REFERENCE)],
        description=_l("As it stands on the bank transfer: we look for it on our statement."),
    )
    sent_on = DateField(_l("Sent on"), [InputRequired(_l("Give the day."))])


@bp.get("/funds")
@require(Permission.FUNDS_READ)
def funds() -> ResponseReturnValue:
    want = paging.wanted(25)
    found = organization.positions(db(), g.organization.id)
    chosen = _chosen(found)
    lines = queries.funds_statement(db(), g.organization.id, chosen.currency, cursor=want.cursor, limit=want.limit)
    return page(
        "org/funds/index.html",
        fragment="org/funds/_statement.html",
        positions=found,
        chosen=chosen,
        lines=lines,
        neighbours=paging.neighbours(lines),
        of_payouts=organization.payouts_of_lines(db(), g.organization.id, lines.items, own=asking.reads_own()),
        payout_number=payout_number,
        deposits=queries.deposits(db(), g.organization.id, limit=DEPOSITS),
        announces=g.actor.can(Permission.FUNDS_ANNOUNCE),
    )


def _chosen(found: list[Position]) -> Position:
    """The currency of the address, else the organization's own."""
    wanted = request.args.get("currency", "")
    return next((one for one in found if one.currency == wanted), found[0])


@bp.get("/funds/statement.csv")
@require(Permission.FUNDS_READ)
def funds_file() -> ResponseReturnValue:
    """Every line of one currency, newest first, page by page."""
    session, organization_id, own = db(), g.organization.id, asking.reads_own()
    currency = _chosen(organization.positions(session, organization_id)).currency

    def rows() -> Iterator[tuple[object, ...]]:
        cursor: str | None = None
        while True:
            found = queries.funds_statement(session, organization_id, currency, cursor=cursor, limit=200)
            names = organization.payouts_of_lines(session, organization_id, found.items, own=own)
            for line in found.items:
                payout_id, payee = names.get(line.id, (None, ""))
                yield (
                    line.at.isoformat(), line.label, payout_number(payout_id) if payout_id else line.memo, payee,
                    line.amount.plain(), line.balance.plain(), currency,
                )  # fmt: skip
            cursor = found.next_cursor
            if cursor is None:
                return

    header = ("Time", "What", "Reference", "Payee", "Amount", "Balance", "Currency")
    return csv_file(header, rows(), f"funds-{g.slug}-{currency}-{today()}.csv")


@bp.get("/funds/deposits")
@require(Permission.FUNDS_READ)
def deposits() -> ResponseReturnValue:
    want = paging.wanted()
    found = queries.deposits(db(), g.organization.id, cursor=want.cursor, limit=want.limit)
    return page(
        "org/funds/deposits.html",
        fragment="org/funds/_deposits.html",
        deposits=found,
        neighbours=paging.neighbours(found),
        announces=g.actor.can(Permission.FUNDS_ANNOUNCE),
    )


@bp.route("/funds/deposits/new", methods=["GET", "POST"])
@require(Permission.FUNDS_ANNOUNCE)
def new_deposit() -> ResponseReturnValue:
    """Say that money is on its way; it counts once the platform has seen it at the bank."""
    wanted = request.args.get("currency", "")
    form = DepositForm(currency=wanted if wanted in CURRENCIES else g.organization.currency, sent_on=today())
    if form.accepts():
        try:
            with form.refusals():
                made = service.announce(
                    db(),
                    g.actor,
                    g.organization.id,
                    amount=form.amount.data,
                    reference=form.reference.data,
                    sent_on=form.sent_on.data,
                )
                text = _("%(amount)s counts once it has arrived at our bank.", amount=house_money(made.amount))
                return done(back=url_for(".funds", currency=made.currency), toast=(_("Deposit announced"), text))
        except Conflict as again:
            form.blame(again)
    return page("org/funds/new_deposit.html", fragment="org/funds/_new_deposit.html", form=form)
