"""Payments: balances, the list of everything earned and paid, and where the newest payout is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app.core.clock import utc_now
from app.core.money import Money
from app.earnings.models import HoldReason
from app.identity.states import Portal
from app.methods import queries as methods
from app.payees.states import EngagementStatus as S
from app.payouts import early
from app.reporting import balances, money_map
from app.reporting.money_map import Tab
from app.tax import queries as tax
from portals.shared.payee import payers
from portals.shared.payee.journey import journey_of
from portals.web import htmx, paging
from portals.web.db import db
from portals.web.htmx import page
from portals.web.i18n import reader_zone

PAGE = 25
HOLD_WORDS = {
    HoldReason.TERMS: _l("payment terms"),
    HoldReason.REVIEW_WINDOW: _l("review time"),
    HoldReason.ACCEPTANCE: _l("your yes or no"),
    HoldReason.RETURN_WINDOW: _l("return window"),
    HoldReason.SESSION: _l("the session"),
    HoldReason.DISPUTE: _l("the bank’s decision"),
    HoldReason.REFUND: _l("a refund that came back"),
    HoldReason.INVOICE: _l("the invoice to be paid"),
}


def payments() -> ResponseReturnValue:
    context = listed() if htmx.wants_fragment() else listed() | overview()
    return page("shared/payee/payments/index.html", fragment="shared/payee/payments/_statement.html", **context)


def _tab() -> Tab:
    """Nonsense in the address shows everything."""
    wanted = request.args.get("tab", "")
    return Tab(wanted) if wanted in set(Tab) else Tab.ALL


def listed() -> dict[str, Any]:
    """What the list shows: one page of lines under the chosen tab and payer."""
    payer, want, tab = payers.chosen(), paging.wanted(PAGE), _tab()
    found = money_map.lines(
        db(),
        g.actor.payee_id,
        tab=tab,
        organization_id=payer.organization_id if payer else None,
        cursor=want.cursor,
        limit=want.limit,
    )
    several = len(payers.mine()) > 1 and payer is None
    codes = {line.amount.currency for line in found.items}
    return {
        "found": found,
        "tab": tab,
        "tabs": list(Tab),
        "neighbours": paging.neighbours(found),
        "several_payers": several,
        "mixed": len(codes) > 1,
        "payer": payer,
        "may_bill": payers.may_bill(),
    }


def year_start() -> datetime:
    """The first moment of the reader's present year."""
    zone = ZoneInfo(reader_zone())
    return datetime(utc_now().astimezone(zone).year, 1, 1, tzinfo=zone)


def overview() -> dict[str, Any]:
    """What stands around the list: balances, the newest payout under way, the methods."""
    payer, payee_id, since = payers.chosen(), g.actor.payee_id, year_start()
    organization_id = payer.organization_id if payer else None
    owed = balances.balances(db(), payee_id, since)
    moving = balances.newest_moving(db(), payee_id, organization_id)
    return {
        "balances": [b for b in owed if organization_id in (None, b.organization_id)],
        "year": since.year,
        "moving": moving,
        "journey": journey_of(moving) if moving else [],
        "methods": methods.methods(db(), payee_id),
        "now": utc_now(),
        "form_holds": [
            (row.name, Money(row.amount_minor, row.currency))
            for row in tax.holding(db(), payee_id)
            if payer is None or row.name == payer.name
        ],
        "suspended": [one for one in payers.mine() if one.status is S.SUSPENDED and payer in (None, one)],
        "hold_words": HOLD_WORDS,
        "by_the_month": waits(),
    }


def waits() -> Mapping[UUID, date]:
    """Organizations that pay this payee by the month, with the day of the next run; only consultants have some."""
    return early.waits(db(), g.actor.payee_id) if g.account.portal is Portal.CONSULTANT else {}


def mount(bp: Blueprint) -> None:
    bp.get("/payments")(payments)
