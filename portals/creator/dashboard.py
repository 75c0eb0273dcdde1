"""What a creator earned: over all brands or one, in one currency at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from flask import g, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.contracts import queries as contracts
from app.core.clock import utc_now
from app.core.money import Money
from app.core.settings import settings
from app.db.paging import AnyRow
from app.deliverables import queries as deliverables
from app.deliverables.queries import Wanted
from app.deliverables.states import Lane
from app.methods import queries as methods
from app.organizations.queries import Payer
from app.reporting import balances, creator
from app.reporting.creator import Brand, Span
from portals.creator import bp
from portals.shared.asking import one_of
from portals.shared.greeting import greeting
from portals.shared.payee import payers
from portals.web import paging
from portals.web.charts import MAX_SERIES, Chart, bar_chart
from portals.web.db import db
from portals.web.filters import date_text, money
from portals.web.htmx import page
from portals.web.i18n import reader_locale, reader_zone

GO = "/go/"
ON_DASHBOARD = (Lane.REVISE, Lane.ASSIGNED, Lane.IN_PROGRESS, Lane.IN_REVIEW)
SHOWN = 5


def dashboard() -> ResponseReturnValue:
    payer, span = payers.chosen(), one_of(Span, request.args, "span") or Span.TWELVE_WEEKS
    payee_id, only = g.actor.payee_id, payer.organization_id if payer else None
    today = utc_now().astimezone(ZoneInfo(reader_zone())).date()
    codes_of = creator.currencies(db(), payee_id, only)
    currency = chosen_currency(codes_of, payer)
    brands = [one for one in creator.brands(db(), payee_id, currency, today) if only in (None, one.organization_id)]
    available, clearing = creator.totals(brands, currency)
    steps = creator.buckets(span, today)
    since = creator.start_of(steps[0], reader_zone())
    shown = {one.organization_id for one in brands}
    codes = [c for c in creator.codes(db(), payee_id, currency, since, go_url(), only) if c.organization_id in shown]
    earned = creator.earned(db(), payee_id, currency, span, today, only)
    return page(
        "creator/dashboard/index.html",
        fragment="creator/dashboard/_chart.html",
        payer=payer,
        span=span,
        spans=spans(),
        currency=currency,
        currencies=codes_of,
        url_with=paging.url_with,
        today=today,
        greeting=greeting(),
        brands=brands,
        available=available,
        clearing=clearing,
        month=creator.month(db(), payee_id, currency, today, only),
        earned=Money(sum(map(sum, earned.values())), currency),
        legend=_legend(brands, earned, currency),
        chart=chart_of(brands, earned, steps, span, currency),
        codes=codes,
        orders=sum(code.orders for code in codes),
        average=_average(codes, currency),
        brand_names={one.organization_id: one for one in brands},
        upcoming=creator.next_clearing(db(), payee_id, currency, reader_zone(), only),
        moving=balances.newest_moving(db(), payee_id, only, currency),
        work=_work(only),
        lane_of=deliverables.lane_of,
        methodless=not methods.methods(db(), payee_id),
        to_sign=contracts.first_to_sign(db(), payee_id, only),
    )


def _work(only: UUID | None) -> list[AnyRow]:
    """Deliverables under way, those that wait for the creator first."""
    columns = deliverables.board(db(), Wanted(payee_id=g.actor.payee_id, organization_id=only))
    rows = [row for lane in ON_DASHBOARD for row in columns[lane].cards]
    return rows[:SHOWN]


def spans() -> list[tuple[Span, str]]:
    return [(Span.FOUR_WEEKS, _("4 weeks")), (Span.TWELVE_WEEKS, _("12 weeks")), (Span.YEAR, _("Year"))]


def chosen_currency(known: Sequence[str], payer: Payer | None) -> str:
    """The one in the address, else the brand's, else the first the creator earns in."""
    wanted = request.args.get("currency", "")
    if wanted in known:
        return wanted
    if payer is not None:
        return payer.currency
    return known[0] if known else "USD"


def go_url() -> str:
    """What a code's token follows in its short link."""
    return f"{settings().base_url}{GO}"


def _average(codes: Sequence[creator.Code], currency: str) -> Money | None:
    orders = sum(code.orders for code in codes)
    return Money(sum(code.basis.minor for code in codes) // orders, currency) if orders else None


def _shown(brands: Sequence[Brand], earned: dict[Any, list[int]]) -> tuple[list[Brand], list[Brand]]:
    """(brands with a colour of their own, those that share one): the ones that earned most come first."""
    found = sorted(
        (one for one in brands if one.organization_id in earned), key=lambda one: -sum(earned[one.organization_id])
    )
    if len(found) <= MAX_SERIES:
        return found, []
    return found[: MAX_SERIES - 1], found[MAX_SERIES - 1 :]


def _legend(brands: Sequence[Brand], earned: dict[Any, list[int]], currency: str) -> list[tuple[str, Money]]:
    own, rest = _shown(brands, earned)
    lines = [(one.name, Money(sum(earned[one.organization_id]), currency)) for one in own]
    if rest:
        lines.append((_("Others"), Money(sum(sum(earned[one.organization_id]) for one in rest), currency)))
    return lines


def chart_of(
    brands: Sequence[Brand], earned: dict[Any, list[int]], steps: Sequence[date], span: Span, currency: str
) -> Chart | None:
    """None where nothing was earned."""
    own, rest = _shown(brands, earned)
    if not own:
        return None
    columns = []
    for position, day in enumerate(steps):
        values = [earned[one.organization_id][position] for one in own]
        if rest:
            values.append(sum(earned[one.organization_id][position] for one in rest))
        label = format_skeleton("MMM", day, locale=reader_locale()) if span is Span.YEAR else date_text(day)
        columns.append((label, values))
    first, last = (money(Money(sum(columns[at][1]), currency)) for at in (0, -1))
    weekly = span is not Span.YEAR
    return bar_chart(
        _("Earned by week") if weekly else _("Earned by month"),
        _("Week of") if weekly else _("Month"),
        [one.name for one in own] + ([_("Others")] if rest else []),
        columns,
        currency=currency,
        summary=_(
            "Stacked bars. From %(first)s in %(from)s to %(last)s in %(to)s. The table below has every value.",
            **{"first": first, "from": columns[0][0], "last": last, "to": columns[-1][0]},
        ),
    )


bp.add_url_rule("/", "dashboard", dashboard)
