"""The start page: what was earned by month, what comes next, and what is paid when; one currency at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from babel.dates import format_skeleton
from flask import g, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.consultations import cards, directory, earning_sums
from app.consultations.cards import View
from app.consultations.earning_sums import Series
from app.consultations.entitlements import Entitlement, entitled
from app.consultations.states import Practice
from app.contracts import queries as contracts
from app.core.clock import today, utc_now
from app.core.errors import NotFound
from app.core.money import Money
from app.db.paging import AnyRow
from app.methods import queries as methods
from app.organizations.queries import Payer
from app.payouts import early
from app.reporting import balances
from app.reporting.balances import Balance
from portals.consultant import bp
from portals.consultant.earnings import WHAT_WAITS, month_name
from portals.shared.greeting import greeting
from portals.shared.payee import payers
from portals.shared.payee.payments import waits, year_start
from portals.web import formats, paging
from portals.web.charts import Chart, bar_chart
from portals.web.db import db
from portals.web.filters import money
from portals.web.htmx import page
from portals.web.i18n import reader_locale, reader_today, reader_zone

NEXT = 4
MONTHS = 12


@bp.get("/")
def dashboard() -> ResponseReturnValue:
    payer, payee_id = payers.chosen(), g.actor.payee_id
    only = payer.organization_id if payer else None
    steps = earning_sums.last_months(reader_today(), MONTHS)
    earned = earning_sums.by_month(db(), payee_id, steps, only)
    owed = [b for b in balances.balances(db(), payee_id, year_start()) if only in (None, b.organization_id)]
    currencies = _currencies(earned, owed, payer)
    currency = request.args.get("currency", "")
    currency = currency if currency in currencies else currencies[0]
    mine = own_profile()
    return page(
        "consultant/dashboard/index.html", fragment="consultant/dashboard/_chart.html",
        payer=payer, greeting=greeting(), today=reader_today(), currency=currency, currencies=currencies,
        url_with=paging.url_with, chart=chart_of(earned.get(currency, {}), steps, currency),
        earned=_total(earned.get(currency, {}), currency), legend=_legend(earned.get(currency, {}), currency),
        **_figures(owed, earned, currency), **_next(owed, only),
        local=lambda moment: formats.local(moment, reader_zone()),
        upcoming=cards.of_payee(db(), payee_id, View.UPCOMING, limit=NEXT).items, profile=mine,
        average=directory.average(mine) if mine else None,
        held=earning_sums.appointments_this_month(db(), payee_id),
        is_doctor=mine is not None and mine.practice is Practice.DOCTOR,
        analytics=mine is not None and entitled(mine, Entitlement.ADVANCED_ANALYTICS, today()),
        methodless=not methods.methods(db(), payee_id), to_sign=contracts.first_to_sign(db(), payee_id, only),
        suspended=[one for one in payers.mine() if one.status == "suspended" and payer in (None, one)],
    )  # fmt: skip


def own_profile() -> AnyRow | None:
    """None for a consultant who has none yet."""
    try:
        return directory.own(db(), g.actor.payee_id)
    except NotFound:
        return None


def _currencies(earned: Mapping[str, Any], owed: Sequence[Balance], payer: Payer | None) -> list[str]:
    """What something was earned or is owed in, the currency of the engagement first."""
    found = list(dict.fromkeys([*earned, *(b.currency for b in owed)]))
    own = [one.currency for one in ([payer] if payer else payers.mine())]
    return sorted(found, key=lambda code: (code not in own, code)) or own[:1] or ["USD"]


def _figures(owed: Sequence[Balance], earned: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """Of all payers in one currency: available, held, this month and the one before."""
    these = [b for b in owed if b.currency == currency]
    months = [sum(values) for values in zip(*earned.get(currency, {}).values(), strict=True)] or [0, 0]
    return {
        "available": Money(sum(b.available.minor for b in these), currency),
        "pending": Money(sum(b.pending.minor for b in these), currency),
        "this_month": Money(months[-1], currency),
        "last_month": Money(months[-2], currency),
        "month_name": month_name(reader_today().replace(day=1)),
    }


def _next(owed: Sequence[Balance], only: UUID | None) -> dict[str, Any]:
    """What can be paid, what becomes ready when, what is on its way, and the day of the next run, in every currency."""
    payee_id = g.actor.payee_id
    runs = [early.next_run(one.time_zone) for one in payers.mine() if only in (None, one.organization_id)]
    return {
        "ready": [b for b in owed if b.available.minor > 0],
        "credits": [b for b in owed if b.available.minor < 0],
        "coming": earning_sums.coming(db(), payee_id, reader_zone(), only),
        "moving": balances.newest_moving(db(), payee_id, only),
        "next_run": min(runs, default=None),
        "by_the_month": waits(),
        "what_waits": WHAT_WAITS,
        "now": utc_now(),
    }


def names() -> dict[Series, str]:
    return {
        Series.SESSIONS: _("Sessions"), Series.APPOINTMENTS: _("Appointments"),
        Series.OTHER: _("Adjustments and other"),
    }  # fmt: skip


def _total(earned: Mapping[Series, Sequence[int]], currency: str) -> Money:
    return Money(sum(map(sum, earned.values())), currency)


def _legend(earned: Mapping[Series, Sequence[int]], currency: str) -> list[tuple[str, Money]]:
    return [(names()[one], Money(sum(earned[one]), currency)) for one in Series if one in earned]


def chart_of(earned: Mapping[Series, Sequence[int]], steps: Sequence[date], currency: str) -> Chart | None:
    """None where nothing was earned."""
    shown = [one for one in Series if one in earned]
    if not shown:
        return None
    columns = [
        (str(format_skeleton("MMM", first, locale=reader_locale())), [earned[one][at] for one in shown])
        for at, first in enumerate(steps)
    ]
    first, last = (money(Money(sum(columns[at][1]), currency)) for at in (0, -1))
    return bar_chart(
        _("Earned by month"), _("Month"), [names()[one] for one in shown], columns, currency=currency,
        summary=_(
            "Stacked bars. From %(first)s in %(from)s to %(last)s in %(to)s. The table below has every value.",
            **{"first": first, "from": columns[0][0], "last": last, "to": columns[-1][0]},
        ),
    )  # fmt: skip
