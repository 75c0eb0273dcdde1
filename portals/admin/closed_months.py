"""Months of the books: what stands in the way of closing the next one, and those that are closed."""

from __future__ import annotations

from datetime import date

from babel.dates import format_skeleton
from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from app.core.errors import Invalid
from app.core.formats import format_money
from app.reconciliation import months, rules
from portals.admin import bp
from portals.shared import asking
from portals.web import paging
from portals.web.db import db
from portals.web.guards import step_up_required
from portals.web.htmx import done, page
from portals.web.i18n import reader_locale


@bp.get("/closed-months")
def closed_months() -> ResponseReturnValue:
    want = paging.wanted(25)
    found = months.closed(db(), want.cursor, want.limit)
    due = months.next_month(db())
    return page(
        "admin/reconciliation/months.html",
        fragment="admin/reconciliation/_months.html",
        found=found,
        neighbours=paging.neighbours(found),
        due=due,
        last_day=rules.month_after(due) - date.resolution,
        now=months.standing(db(), due),
        month_text=_month_text,
        books_text=_books_text,
    )


def _month_text(first: date) -> str:
    return str(format_skeleton("yMMMM", first, locale=reader_locale()))


def _books_text(kept: str) -> str:
    """ "12 entries, £1,200.00": how many were posted, and what was debited, by currency."""
    entries, debited = months.told(kept)
    count = ngettext("%(num)s entry", "%(num)s entries", entries)
    return ", ".join([count, *(format_money(amount, locale=reader_locale()) for amount in debited)])


@bp.post("/closed-months")
@step_up_required
def month_closing() -> ResponseReturnValue:
    """409 with the numbers while something stands in the way."""
    month = asking.month(request.form, "month")
    if month is None:
        raise Invalid(_("A month like 2026-10."))
    months.close(db(), g.actor, month)
    return done(
        back=url_for(".closed_months"), toast=(_("The month is closed"), _("Nothing is posted in it any more."))
    )
