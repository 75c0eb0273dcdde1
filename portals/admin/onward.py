"""From a payee's balance at a provider to their bank: a step of its own after “paid”, told by the provider."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _

from app.core.money import Money
from app.methods import bank_payouts
from app.methods.connect_models import BankPayoutStatus
from app.payouts.states import PayoutStatus
from app.rails import registry
from portals.shared.timeline import Step
from portals.web.db import db
from portals.web.filters import date_text, money

_A_MINUTE = timedelta(minutes=1)  # the provider's clock is not ours
_TITLES = {
    BankPayoutStatus.PENDING: ("now", lambda: _("On its way to their bank")),
    BankPayoutStatus.IN_TRANSIT: ("now", lambda: _("On its way to their bank")),
    BankPayoutStatus.PAID: ("done", lambda: _("In their bank")),
    BankPayoutStatus.FAILED: ("bad", lambda: _("Came back from the bank")),
    BankPayoutStatus.CANCELED: ("todo", lambda: _("In their bank")),
}


def to_bank(payout: Any, events: Sequence[Any]) -> list[Step]:
    """Nothing for a payout that is not paid, or whose rail pays to the bank itself."""
    rail = registry.RAILS.get(payout.rail)
    if payout.status is not PayoutStatus.PAID or rail is None or not rail.connects:
        return []
    sent = [event.at for event in events if event.to_state == PayoutStatus.PROCESSING] or [payout.paid_at]
    found = bank_payouts.next_after(db(), payout.payee_id, payout.currency, sent[-1] - _A_MINUTE)
    if found is None:
        told = _("It lies in their %(balance)s; nothing was told of the bank yet.", balance=rail.balance)
        return [Step("todo", _("In their bank"), told)]
    status = BankPayoutStatus(found.status)
    state, title = _TITLES[status]
    amount = money(Money(found.amount_minor, found.currency))
    note = _("%(amount)s of their balance, %(day)s", amount=amount, day=date_text(found.arrival_on or found.made_at))
    failed = bank_payouts.why_failed(found)
    if failed is not None:
        note = f"{failed.message} {note}"
    elif status is BankPayoutStatus.CANCELED:
        note = _("A payout of their balance was canceled; the next one brings it.")
    return [Step(state, title(), note)]
