"""Monthly statements: a list of months, and each as CSV and as PDF. One payer and one currency at a time."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import chain

from babel.dates import format_skeleton
from flask import Blueprint, Response, g, request, stream_with_context
from flask.typing import ResponseReturnValue

from app.core.clock import today
from app.pdf.render import render_statement
from app.reporting import statement
from app.reporting.statement import Account
from portals.shared.documents import pdf
from portals.shared.payee import payers
from portals.web.db import db
from portals.web.htmx import page
from portals.web.i18n import reader_locale

MONTHS = 12


def statements() -> ResponseReturnValue:
    payer = payers.chosen()
    accounts = [
        a
        for a in statement.accounts(db(), g.actor.payee_id)
        if payer is None or a.organization_id == payer.organization_id
    ]
    return page("shared/payee/statements/index.html", accounts=accounts, months=_months(today()))


def _months(now: date) -> list[tuple[date, str]]:
    """First day and name of the present month and those before, newest first."""
    found = [now.replace(day=1)]
    while len(found) < MONTHS:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return [(first, str(format_skeleton("yMMMM", first, locale=reader_locale()))) for first in found]


def _asked() -> tuple[Account, date]:
    """What the address names: `?month=2026-11`, and `organization`, `currency` where there are several."""
    wanted = request.args.get("month") or f"{today():%Y-%m}"
    account = statement.account_of(
        db(), g.actor.payee_id, request.args.get("organization"), request.args.get("currency")
    )
    return account, statement.month_of(wanted)


def statement_csv() -> Response:
    """Sent while it is read: a month may have a hundred thousand lines."""
    sheet = statement.sheet(db(), g.actor.payee_id, *_asked())
    parts = chain(["\ufeff"], statement.csv_parts(db(), g.actor.payee_id, sheet))
    answer = Response(stream_with_context(parts), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="statement-{sheet.number}.csv"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def statement_pdf() -> Response:
    document = statement.document(statement.monthly(db(), g.actor.payee_id, *_asked()), reader_locale())
    return pdf(document, render_statement, f"statement-{document.number}")


def mount(bp: Blueprint) -> None:
    bp.get("/payments/statements")(statements)
    bp.get("/payments/statement.csv")(statement_csv)
    bp.get("/payments/statement.pdf")(statement_pdf)
