"""Usage of an organization that buys, as its billing page shows it: a month by department, or one department by what it
was, and the same as a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from babel.dates import format_skeleton
from flask import g, request
from flask.typing import ResponseReturnValue

from app.consultations import usage
from app.core.clock import utc_now
from app.core.money import Money
from portals.shared import asking
from portals.shared.downloads import csv_file
from portals.web.db import db
from portals.web.i18n import reader_locale

LONGEST = 200
HEADER = (
    "Starts", "What", "Consultant", "Member", "Department", "Status", "Paid by", "Price", "Currency", "Own consultant",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """`first`: of the month. `department`: one alone, empty for none; None is all, summed up by department unless
    `by_title`."""

    first: date
    department: str | None
    by_title: bool


def _asked() -> Asked:
    department = request.args.get("department")
    return Asked(
        asking.month(request.args, "month") or utc_now().date().replace(day=1),
        None if department is None else department[:LONGEST].replace("\0", ""),
        request.args.get("by") == "what",
    )


def month_text(day: date) -> str:
    return str(format_skeleton("yMMMM", day, locale=reader_locale()))


def shown() -> dict[str, Any]:
    """What `org/billing/_usage.html` needs."""
    want, this = _asked(), utc_now().date().replace(day=1)
    by_title = want.by_title or want.department is not None
    used = (
        usage.by_title(db(), g.organization.id, want.first, want.department)
        if by_title
        else usage.by_department(db(), g.organization.id, want.first)
    )
    totals = usage.totals(db(), g.organization.id, want.first, want.department)
    before, after = want.first - timedelta(days=1), (want.first + timedelta(days=31)).replace(day=1)
    return {
        "used": used,
        "totals": totals,
        "wholes": {row.currency: row.minor for row in totals},
        "usage": want,
        "usage_by_title": by_title,
        "usage_month": month_text(want.first),
        "usage_is_now": want.first == this,
        "usage_args": {
            "month": None if want.first == this else f"{want.first:%Y-%m}", "department": want.department,
        },
        "usage_months": [(month_text(day), None if f"{day:%Y-%m}" == f"{this:%Y-%m}" else f"{day:%Y-%m}")
                         for day in (before, after)],
    }  # fmt: skip


def file() -> ResponseReturnValue:
    """The sessions one by one, the last one first, read page by page."""
    session, organization_id, want = db(), g.organization.id, _asked()

    def rows() -> Iterator[tuple[object, ...]]:
        cursor: str | None = None
        while True:
            found = usage.lines(session, organization_id, want.first, cursor, 200, want.department)
            for row in found.items:
                yield (
                    row.starts_at.isoformat(), row.title, row.consultant or "", row.client_first_name,
                    row.department or "", row.status.value, row.paid_by.value,
                    Money(row.price_minor, row.currency).plain(), row.currency, "own consultant" if row.own else "",
                )  # fmt: skip
            cursor = found.next_cursor
            if cursor is None:
                return

    return csv_file(HEADER, rows(), f"usage-{g.slug}-{want.first:%Y-%m}.csv")
