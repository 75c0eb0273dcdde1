"""Withdraw: a sheet over the payments page with script, a page of its own without."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.validators import InputRequired

from app.core.clock import today
from app.core.errors import NotFound
from app.core.money import CURRENCIES
from app.methods import queries as methods
from app.methods.rules import BLOCKED_TEXT, Blocked
from app.payouts import early, service
from app.payouts.models import Payout
from app.payouts.rules import arrival, payout_number
from app.rails import registry
from app.reporting import balances
from app.reporting.balances import Balance
from portals.shared.payee import payers
from portals.shared.payee.payments import listed, overview, waits, year_start
from portals.web.db import db
from portals.web.filters import money
from portals.web.forms import MoneyField, OnceForm
from portals.web.htmx import done, fragment, is_htmx, page


class WithdrawalForm(OnceForm):
    amount = MoneyField(_l("Amount"), [InputRequired(_l("Enter an amount."))])


def new_withdrawal() -> ResponseReturnValue:
    payer = payers.by_slug(request.args.get("organization", ""))
    balance = _balance(payer.slug, request.args.get("currency", payer.currency))
    form = WithdrawalForm(amount=balance.available)
    form.amount.currency = balance.currency
    if form.accepts():
        with form.refusals():
            payout = service.withdraw(
                db(), g.actor, organization_id=payer.organization_id, currency=balance.currency, amount=form.amount.data
            )
            return _asked(payout, payer.name)
    return page(
        "shared/payee/payments/withdrawal.html",
        fragment="shared/payee/payments/_withdrawal.html",
        form=form,
        balance=balance,
        **_way(balance),
    )


def _balance(slug: str, currency: str) -> Balance:
    if currency not in CURRENCIES:
        raise NotFound(_("There is nothing here. It may have been removed, or the address is wrong."))
    found = balances.of(balances.balances(db(), g.actor.payee_id, year_start()), slug, currency)
    if found is None:
        raise NotFound(_("There is no balance in this currency."))
    return found


def _way(balance: Balance) -> dict[str, Any]:
    """How it would be paid and when it arrives, or why it cannot be."""
    until = waits().get(balance.organization_id)
    if until is not None:
        return {"blocked": early.sentence(until), "usable_from_at": None, "by_the_month": True}
    usable = methods.usable_method(db(), g.actor.payee_id, balance.currency)
    if usable.blocked or usable.rail is None:
        blocked = usable.blocked or Blocked.NO_METHOD
        return {"blocked": BLOCKED_TEXT[blocked], "usable_from_at": usable.usable_from_at}
    rail = registry.rail(usable.rail)
    method = next(m for m in methods.methods(db(), g.actor.payee_id) if m.id == usable.method_id)
    return {
        "blocked": "",
        "method": method,
        "takes": rail.settles_in,
        "arrives_on": arrival(today(), rail.settles_days),
    }


def _asked(payout: Payout, payer_name: str) -> ResponseReturnValue:
    """From the payments page its parts are brought up to date; from elsewhere the payout's page says what is next."""
    toast = (
        _("Withdrawal requested"),
        _(
            "%(number)s, %(amount)s: waiting for %(organization)s.",
            number=payout_number(payout.id),
            amount=money(payout.amount),
            organization=payer_name,
        ),
    )
    back = url_for(".payout", payout_id=payout.id)
    if not _over_payments():
        return done(back=back, toast=toast)
    return done(
        "shared/payee/payments/_balances.html",
        "shared/payee/payments/_statement.html",
        fragment("shared/payee/payments/_moving.html"),
        back=back,
        toast=toast,
        **listed(),
        **overview(),
    )


def _over_payments() -> bool:
    """Whether the form was open in a sheet over the payments page, with nothing narrowed: then that page is up to date
    once its parts are replaced."""
    current = urlsplit(request.headers.get("HX-Current-URL", ""))
    return is_htmx() and current.path == url_for(".payments") and not current.query


def mount(bp: Blueprint) -> None:
    bp.route("/withdrawals/new", methods=["GET", "POST"], endpoint="new_withdrawal")(new_withdrawal)
