"""A payout's way from the wish to the bank, as steps: what is done, what is now, what comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _

from app.audit import queries as audit
from app.core.errors import Refusal
from app.core.money import Money
from app.methods import bank_payouts
from app.methods.connect_models import BankPayoutStatus
from app.payouts.states import PayoutOrigin, PayoutStatus
from app.rails import registry
from app.reporting.money_map import payout_facts
from app.reporting.rules import Place, place_of_payout
from portals.web.db import db
from portals.web.filters import date_text, money
from portals.web.formats import masked


@dataclass(frozen=True, slots=True)
class Step:
    """`state` is done, now, todo, bad or hold, as `ui.timeline` draws it."""

    state: str
    title: str
    note: str = ""


P = PayoutStatus
A_MINUTE = timedelta(minutes=1)  # clocks differ
_SENT = (P.PROCESSING, P.PAID, P.RETURNED)
_ENDED = (P.FAILED, P.RETURNED, P.REJECTED, P.CANCELLED)


def journey_of(payout: Any) -> list[Step]:
    """`payout`: a row of `app.payouts.queries.payout`. Reads its timeline."""
    return steps(payout, audit.timeline(db(), payout.id))


def steps(payout: Any, events: Sequence[Any]) -> list[Step]:
    """The present round only: a payout that is tried again starts anew."""
    place = place_of_payout(payout_facts(payout))
    reached = _reached(events)
    status = PayoutStatus(payout.status)
    found = [_asked(payout, reached)]
    if P.APPROVED in reached or status in _SENT:
        found.append(Step("done", _("Approved"), _moment(reached.get(P.APPROVED))))
    elif status is P.PENDING:
        who = payout.organization_name
        found.append(Step("now", _("Waiting for approval"), _("%(organization)s was told.", organization=who)))
    if status is P.ON_HOLD:
        found.append(Step("hold", _("On hold"), " ".join(filter(None, (place.reason, place.cure)))))
    if P.PROCESSING in reached or status in _SENT:
        found.append(Step("done", _("Sent"), _moment(reached.get(P.PROCESSING))))
    if status in _ENDED:
        return [*found, _ended(status, place, payout)]
    return found + _ahead(status, payout, reached.get(P.PROCESSING))


def _reached(events: Sequence[Any]) -> dict[PayoutStatus, datetime]:
    """When each state was first reached since the payout last began."""
    found: dict[PayoutStatus, datetime] = {}
    for event in events:
        if event.to_state not in set(P):
            continue
        state = PayoutStatus(event.to_state)
        if state is P.PENDING and event.from_state != "pending":
            found = {}
        found.setdefault(state, event.at)
    return found


def _asked(payout: Any, reached: dict[PayoutStatus, datetime]) -> Step:
    at = _moment(reached.get(P.PENDING) or payout.created_at)
    if payout.origin == PayoutOrigin.WITHDRAWAL:
        return Step("done", _("You asked for it"), at)
    return Step("done", _("%(organization)s prepared it", organization=payout.organization_name), at)


def _ended(status: PayoutStatus, place: Place, payout: Any) -> Step:
    titles = {
        P.FAILED: _("It could not be paid"),
        P.RETURNED: _("It came back"),
        P.REJECTED: _("Rejected"),
        P.CANCELLED: _("Canceled"),
    }
    said = " ".join(filter(None, (place.reason, place.cure)))
    return Step("bad", titles[status], f"{said} · {_moment(payout.status_at)}")


def _ahead(status: PayoutStatus, payout: Any, sent_at: datetime | None) -> list[Step]:
    where, balance = target(payout), _balance(payout.rail)
    if status is P.PAID and balance:
        arrived = Step("done", _("In your %(balance)s", balance=balance), _moment(payout.paid_at))
        return [arrived, in_bank(payout, sent_at or payout.paid_at)]
    if status is P.PAID:
        return [Step("done", _("Arrived at %(method)s", method=where), _moment(payout.paid_at))]
    arrives = Step("todo", _("Arrives at %(method)s", method=where), _expected(payout))
    if status is P.PROCESSING:
        return [Step("now", _("On its way"), _takes(payout.rail)), arrives]
    sent = Step("now" if status is P.APPROVED else "todo", _("Sent"), _("Soon after approval"))
    return [sent, arrives]


def _balance(rail: str) -> str:
    """Where this rail leaves the money, when that is not the bank."""
    known = registry.RAILS.get(rail)
    return known.balance if known else ""


def in_bank(payout: Any, since: datetime) -> Step:
    """What the provider told of paying the balance out to the bank: another fact than that it is paid."""
    found = bank_payouts.next_after(db(), payout.payee_id, payout.currency, since - A_MINUTE)
    if found is None:
        return Step("todo", _("In your bank"), _("Once the balance is paid out there; nothing was told of it yet."))
    amount = money(Money(found.amount_minor, found.currency))
    if found.status == BankPayoutStatus.PAID:
        day = date_text(found.arrival_on or found.made_at, "day")
        return Step("done", _("In your bank"), _("%(amount)s of your balance, %(day)s", amount=amount, day=day))
    failed = bank_payouts.why_failed(found)
    if failed is not None:
        return Step("bad", _("Not in your bank"), f"{failed.message} {failed.cure}")
    if found.status == BankPayoutStatus.CANCELED:
        return Step("todo", _("In your bank"), _("A payout of your balance was canceled; the next one brings it."))
    day = date_text(found.arrival_on, "day") if found.arrival_on else ""
    return Step("now", _("On its way to your bank"), _("%(amount)s of your balance %(day)s", amount=amount, day=day))


def target(payout: Any) -> str:
    """ "Bank transfer ••4417"."""
    return f"{payout.method_label} {masked(payout.last4)}" if payout.last4 else str(payout.method_label)


def _takes(rail: str) -> str:
    """How long this way of paying takes; nothing for one that is not offered any more."""
    try:
        return _("Usually takes %(time)s.", time=registry.rail(rail).settles_in)
    except Refusal:
        return ""


def _expected(payout: Any) -> str:
    if payout.expected_on:
        return _("Expected %(day)s", day=date_text(payout.expected_on, "day"))
    return _takes(payout.rail)


def _moment(at: datetime | None) -> str:
    return date_text(at, "full") if at else ""
