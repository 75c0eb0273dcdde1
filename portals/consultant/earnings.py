"""What a consultant earned, line by line: where each is, how it was shared, and the arithmetic behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import chain
from uuid import UUID

from babel.dates import format_skeleton
from flask import Response, g, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.audit import queries as trail
from app.consultations import earning_lines, earning_sums, explaining
from app.consultations.earning_lines import Chosen, EarningLine, What, Where
from app.consultations.earning_sums import Month
from app.core import csv
from app.core.money import Money
from app.earnings.models import HoldReason
from app.earnings.rules import HOLD_TEXT
from portals.consultant import bp
from portals.shared.asking import month, one_of
from portals.shared.payee import payers
from portals.shared.timeline import steps
from portals.web import paging
from portals.web.db import db
from portals.web.htmx import page
from portals.web.i18n import reader_locale, reader_today

PAGE = 25
WHAT = {
    What.CONSULTATION: _l("Consultation"),
    What.SHARE: _l("Share of a consultation"),
    What.APPOINTMENT: _l("Appointment"),
    What.REVERSAL: _l("Given back"),
    What.BONUS: _l("Bonus"),
    What.ADJUSTMENT: _l("Adjustment"),
    What.OTHER: _l("Earning"),
}
WHERE = {
    Where.HELD: _l("Held"),
    Where.READY: _l("Available"),
    Where.RESERVED: _l("In a payout"),
    Where.PAID: _l("Paid"),
    Where.RETURNED: _l("Refunded"),
}
WHAT_WAITS = {
    HoldReason.SESSION: _l("After the session"),
    HoldReason.DISPUTE: _l("When the client’s bank has decided"),
    HoldReason.TERMS: _l("When the payment terms have passed"),
    HoldReason.REVIEW_WINDOW: _l("When the review time has passed"),
    HoldReason.ACCEPTANCE: _l("When you agree"),
    HoldReason.RETURN_WINDOW: _l("When the return window has passed"),
    HoldReason.REFUND: _l("When a refund that came back is settled"),
    HoldReason.INVOICE: _l("When the client’s organization has paid its invoice"),
}
HEADER = (
    "date", "what", "title", "client", "reference", "organization", "currency", "list_price", "platform",
    "organization_part", "others", "yours", "state", "held_until", "payout",
)  # fmt: skip


@bp.get("/earnings", endpoint="earnings")
def index() -> ResponseReturnValue:
    want, chosen = paging.wanted(PAGE), _chosen()
    found = earning_lines.lines(db(), chosen, want.cursor, want.limit)
    known = earning_lines.months(db(), g.actor.payee_id)
    summed_of = chosen.month or _shown_month(known)
    sums = earning_sums.month(db(), g.actor.payee_id, summed_of, chosen.organization_id)
    return page(
        "consultant/earnings/index.html", fragment="consultant/earnings/_list.html", found=found, chosen=chosen,
        months=[(one, month_name(one)) for one in known], what=WHAT, where=WHERE, neighbours=paging.neighbours(found),
        url_with=paging.url_with, month_name=month_name(summed_of), hold_text=HOLD_TEXT,
        splits=[(one, split_parts(one)) for one in sums], several=len(payers.mine()) > 1, payer=payers.chosen(),
        mixed=len({one.amount.currency for one in found.items}) > 1,
    )  # fmt: skip


@bp.get("/earnings/<uuid:earning_id>")
def earning(earning_id: UUID) -> ResponseReturnValue:
    """The arithmetic: in the drawer below its row, or as a page."""
    found = earning_lines.line(db(), g.actor.payee_id, earning_id)
    return page(
        "consultant/earnings/show.html", fragment="consultant/earnings/_explained.html", one=found, what=WHAT,
        rule=explaining.rule_of(found), lines=explaining.lines_of(found), parts=parts_of(found), hold_text=HOLD_TEXT,
        history=steps(trail.timeline(db(), found.id), "earning"),
    )  # fmt: skip


@bp.get("/earnings.csv")
def earnings_csv() -> Response:
    """All that the filters leave, sent while it is read."""
    chosen = _chosen()
    rows = _rows(earning_lines.every_line(db(), chosen))
    parts = chain(["\ufeff"], csv.lines(HEADER, rows))
    answer = Response(stream_with_context(parts), content_type="text/csv; charset=utf-8")
    name = f"earnings-{chosen.month:%Y-%m}" if chosen.month else "earnings"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _chosen() -> Chosen:
    payer = payers.chosen()
    return Chosen(
        g.actor.payee_id, month(request.args, "month"), one_of(Where, request.args, "state"),
        payer.organization_id if payer else None,
    )  # fmt: skip


def _shown_month(known: Sequence[date]) -> date:
    """The present month, or the last one before it in which something was earned."""
    now = reader_today().replace(day=1)
    return next((one for one in known if one <= now), now)


def month_name(first: date) -> str:
    return str(format_skeleton("yMMMM", first, locale=reader_locale()))


def _rows(found: Iterator[EarningLine]) -> Iterator[tuple[object, ...]]:
    for one in found:
        yield (
            one.earned_on.isoformat(), one.what.value, one.title, one.client_first_name or "", one.reference or "",
            one.organization_name, one.amount.currency, _plain(one.gross), _plain(one.platform),
            _plain(one.organization), _plain(one.others), one.amount.plain(), one.state,
            one.held_until.isoformat() if one.held_until else "", str(one.payout_id or ""),
        )  # fmt: skip


def _plain(amount: Money | None) -> str:
    return "" if amount is None else amount.plain()


Part = tuple[Money, str, str, str]


def parts_of(one: EarningLine) -> list[Part]:
    """One earning as the split bar shows it; empty where nothing was shared."""
    return _parts(one.amount, one.organization, one.others, one.platform, one.gross, one.organization_name)


def split_parts(one: Month) -> list[Part]:
    """A month in one currency as the split bar shows it; empty where nothing was shared."""
    organizations = {payer.name for payer in payers.mine()}
    name = organizations.pop() if len(organizations) == 1 else _("Organization")
    return _parts(one.own, one.organization, one.others, one.platform, one.shared, name)


def _parts(
    own: Money, organization: Money | None, others: Money | None, platform: Money | None, whole: Money | None, name: str
) -> list[Part]:
    if not whole:
        return []
    given = (
        (own, "accent", _("You")), (others, "blue", _("Shared with others")), (organization, "deep", name),
        (platform, "grey", _("Platform")),
    )  # fmt: skip
    return [
        (amount, tone, word, _("%(n)s%%", n=round(amount.minor * 100 / whole.minor)))
        for amount, tone, word in given
        if amount
    ]
