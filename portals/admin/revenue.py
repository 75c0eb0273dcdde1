"""What clients paid by month: a report that says what the books say, and the books themselves as files."""

from __future__ import annotations

from datetime import timedelta

from flask import g, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app.audit import service as audit
from app.core.errors import Invalid
from app.reporting import revenue as reports
from app.reporting.revenue import Month
from portals.admin import bp
from portals.shared.consultant_signup import PRACTICES
from portals.shared.downloads import csv_file
from portals.web.db import db
from portals.web.htmx import page

SHOWN = 100  # organizations; the file has all of them
COLUMNS = {
    "gross": _l("Charged"),
    "refunds": _l("Refunds"),
    "disputes": _l("Disputes"),
    "promotions": _l("Promotions"),
    "platform": _l("Platform"),
    "organizations": _l("Organizations"),
    "consultants": _l("Consultants"),
    "processor_fees": _l("Card fees"),
    "credits_expired": _l("Expired credits"),
    "billed": _l("Invoices"),
}


@bp.get("/revenue")
def revenue() -> ResponseReturnValue:
    """`month` like 2026-11: the present one without it, and beside a sentence for one that has no books."""
    wrong = ""
    try:
        month = Month.read(request.args.get("month", ""))
    except Invalid as refusal:
        month, wrong = Month.read(""), refusal.message
    before = Month((month.first - timedelta(days=1)).replace(day=1))
    after = Month(month.until.date())
    return page(
        "admin/revenue/index.html",
        fragment="admin/revenue/_report.html",
        status=422 if wrong else None,
        month=month,
        wrong=wrong,
        before=before if before.first.year >= reports.FIRST_YEAR else None,
        after=after if after.first <= Month.read("").first else None,
        found=reports.report(db(), month),
        columns=COLUMNS,
        practices={one.value: label for one, (label, _note) in PRACTICES.items()},
        shown=SHOWN,
    )


@bp.get("/revenue.csv")
def revenue_file() -> ResponseReturnValue:
    """The report, with every organization. Raises Invalid."""
    month = Month.read(request.args.get("month", ""))
    found = reports.report(db(), month)
    audit.record(db(), g.actor, "revenue.downloaded", "revenue", month=str(month))
    return csv_file(reports.COLUMNS, reports.rows(found, month), f"revenue-{month}.csv")


@bp.get("/journal.csv")
def journal_file() -> ResponseReturnValue:
    """Every line of the month's entries. Raises Invalid."""
    month, session = Month.read(request.args.get("month", "")), db()
    audit.record(session, g.actor, "journal.downloaded", "revenue", month=str(month))
    return csv_file(reports.JOURNAL, reports.journal_rows(session, month), f"journal-{month}.csv")
