"""Invoices and notes to organizations that buy, as the organization and the platform see them: words, steps, files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from flask import Response, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.billing import invoice_queries as queries
from app.billing import printing
from app.billing import queries as packs
from app.billing.documents import Document, DocumentKind
from app.billing.einvoice import cii, ubl
from app.billing.einvoice.common import percent
from app.billing.invoice_queries import View, Wanted
from app.billing.invoice_states import InvoiceOrigin, InvoiceStatus, PaidWith
from app.charges.states import ReturnKind
from app.core.clock import utc_now
from app.core.errors import Invalid, NotFound
from app.core.money import Money
from app.pdf.render import PdfUnavailable, TooLong
from portals.shared.asking import day, one_of
from portals.shared.timeline import Step
from portals.web import db as work
from portals.web.db import db
from portals.web.filters import date_text, money

VIEWS = {
    View.ALL: _l("All"),
    View.OPEN: _l("Open"),
    View.OVERDUE: _l("Overdue"),
    View.PART_PAID: _l("Part paid"),
    View.PAID: _l("Paid"),
    View.CREDIT_NOTES: _l("Credit notes"),
    View.DEBIT_NOTES: _l("Debit notes"),
}
TITLES = {
    DocumentKind.INVOICE: _l("Invoice"),
    DocumentKind.CREDIT_NOTE: _l("Credit note"),
    DocumentKind.DEBIT_NOTE: _l("Debit note"),
}
WAYS = {
    PaidWith.CARD: _l("Card"),
    PaidWith.BANK: _l("Bank transfer"),
    PaidWith.FUNDS: _l("Funds"),
    PaidWith.CREDIT: _l("Credit note"),
}
_BACK = {
    ReturnKind.DISPUTE: _l("%(amount)s went back to the card: its bank took it"),
    ReturnKind.REFUND: _l("%(amount)s went back to the card: refunded at its provider"),
}
_XML = {"cii": cii.build, "ubl": ubl.build}


def badges(row: Any) -> list[str]:
    """The words of the vocabulary `billing` that fit a document, the most important one first."""
    if row.kind is DocumentKind.CREDIT_NOTE:
        return ["credit_note"]
    found = ["debit_note"] if row.kind is DocumentKind.DEBIT_NOTE else []
    if row.status is InvoiceStatus.PAID:
        return ["paid" if row.paid_minor or not row.credited_minor else "credited", *found]
    if row.due_on and row.due_on < utc_now().date():
        found.insert(0, "overdue")
    if row.paid_minor:
        found.insert(0 if not found else 1, "part_paid")
    return found or ["open"]


def heads(frozen: Document) -> list[tuple[str, Money]]:
    """Tax by head and rate, and the rounding, as the paper has them."""
    found = [(f"{head.name} {percent(head.rate_bps)} %", head.amount) for head in frozen.assessment.heads]
    return [*found, (_("Round-off"), frozen.assessment.round_off)] if frozen.assessment.round_off else found


def rate_of(line: Any) -> str:
    """The rate that is on the paper: a line that bears no tax has none, whatever its rate would be at home."""
    return f"{percent(line.rate_bps)} %" if line.tax_minor else ""


def detail(invoice_id: UUID, organization_id: UUID | None = None) -> dict[str, Any]:
    """What the page of one document shows. Raises NotFound."""
    row = queries.document(db(), invoice_id, organization_id)
    found = printing.printable(db(), row.id)
    payments, notes = queries.payments(db(), row.id), queries.notes(db(), row.id)
    return {
        "row": row, "lines": queries.lines(db(), row.id), "payments": payments, "notes": notes, "frozen": found.frozen,
        "heads": heads(found.frozen), "electronic": found.electronic, "badges": badges(row), "minor": Money,
        "rate_of": rate_of, "steps": _steps(row, payments, notes), "ways": WAYS, "titles": TITLES,
        "title_of": TITLES[row.kind],
        "pack_id": packs.pack_of(db(), row.id) if row.origin is InvoiceOrigin.PACK else None,
        "to_card": row.kind is DocumentKind.CREDIT_NOTE and queries.went_to_card(db(), row.id),
    }  # fmt: skip


def _steps(row: Any, payments: Any, notes: Any) -> list[Step]:
    """Issued, what came since, and where it stands now."""
    takers = queries.who_took_back(db(), payments)
    told: list[tuple[date, datetime, str, str]] = [(row.issued_on, row.created_at, "done", _("Issued and mailed"))]
    for one in payments:
        amount, when = money(Money(abs(one.amount_minor), one.currency)), (one.received_on, one.created_at)
        if one.amount_minor < 0:
            text = _BACK[takers.get(one.reference, ReturnKind.DISPUTE)]
            told.append((*when, "bad", str(text) % {"amount": amount}))
        elif one.paid_with is not PaidWith.CREDIT:
            told.append((*when, "done", _("%(amount)s paid: %(way)s", amount=amount, way=WAYS[one.paid_with])))
    for one in notes:
        amount = money(Money(one.total_minor, one.currency))
        text = _("%(what)s %(number)s, %(amount)s", what=TITLES[one.kind], number=one.number, amount=amount)
        told.append((one.issued_on, one.created_at, "done", text))
    told.sort(key=lambda one: one[:2])
    steps = [Step(state, text, date_text(day)) for day, _at, state, text in told]
    if row.kind is DocumentKind.CREDIT_NOTE:
        return steps
    if row.status is InvoiceStatus.PAID:
        return [*steps, Step("done", _("Nothing is open"), date_text(row.paid_at, "full") if row.paid_at else "")]
    late = bool(row.due_on and row.due_on < utc_now().date())
    title = (
        _("Overdue since %(day)s", day=date_text(row.due_on)) if late else _("Due %(day)s", day=date_text(row.due_on))
    )
    note = _("Reminded after %(n)s days", n=row.reminded_days) if row.reminded_days else ""
    return [*steps, Step("bad" if late else "now", title, note)]


def pdf_file(invoice_id: UUID) -> Response:
    """The paper as it is now; its tag is the SHA-256 of its bytes, 304 for who has it. Drawn outside of a transaction.

    Raises NotFound, Invalid for one too long to be drawn.
    """
    found = printing.printable(db(), invoice_id)
    answer = Response(mimetype="application/pdf")
    answer.headers["Cache-Control"] = "private, no-cache"  # kept, but asked for each time
    answer.headers["Content-Disposition"] = f'attachment; filename="{_name(found.number)}.pdf"'
    if found.sha256 and request.if_none_match.contains(found.sha256):
        answer.set_etag(found.sha256)
        answer.status_code = 304
        return answer
    try:
        with work.paused():
            content = printing.pdf(found)
    except TooLong:
        raise Invalid(_("This document would be too long.")) from None
    except PdfUnavailable:
        raise Invalid(_("Documents cannot be drawn on this machine.")) from None
    tag = printing.remember(db(), found, content)
    answer.set_etag(tag)
    if request.if_none_match.contains(tag):
        answer.status_code = 304
        return answer
    answer.set_data(content)
    return answer


def xml_file(invoice_id: UUID, form: str) -> Response:
    """The electronic invoice (EN 16931) as CII or UBL. Raises NotFound where its issuer has none."""
    found = printing.printable(db(), invoice_id)
    if not found.electronic:
        raise NotFound(_("There is no electronic invoice of this: its issuer charges no VAT."))
    answer = Response(_XML[form](found.frozen), mimetype="application/xml")
    answer.headers["Content-Disposition"] = f'attachment; filename="{_name(found.number)}-{form}.xml"'
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _name(number: str) -> str:
    return number.replace("/", "-")


HEADER = ("Number", "What", "Organization", "Status", "Issued", "Due", "Period from", "Period to", "Corrects",
          "Currency", "Net", "Tax", "Round-off", "Total", "Paid", "Credited", "Open")  # fmt: skip


def csv_rows(session: Any, wanted: Wanted) -> Iterator[tuple[object, ...]]:
    """Everything the filter finds, newest first, page by page. Amounts of credit notes are below zero."""
    cursor: str | None = None
    while True:
        found = queries.documents(session, wanted, cursor, 200)
        for row in found.items:
            sign = -1 if row.kind is DocumentKind.CREDIT_NOTE else 1
            sums = (row.net_minor, row.tax_minor, row.round_off_minor, row.total_minor)
            yield (
                row.number, row.kind.value, row.organization, " ".join(badges(row)), row.issued_on, row.due_on or "",
                row.period_start, row.period_end, row.corrects_number or "", row.currency,
                *(Money(sign * minor, row.currency).plain() for minor in sums),
                *(Money(minor, row.currency).plain() for minor in (row.paid_minor, row.credited_minor)),
                Money(0 if sign < 0 else row.open_minor, row.currency).plain(),
            )  # fmt: skip
        cursor = found.next_cursor
        if cursor is None:
            return


def wanted_of(args: Mapping[str, str], organization_id: UUID | None = None) -> Wanted:
    """What an address asks for: `view`, `q`, `from`, `to`."""
    return Wanted(
        view=one_of(View, args, "view") or View.ALL,
        search=args.get("q", "").replace("\0", "").strip()[: queries.LONGEST_SEARCH],
        organization_id=organization_id, since=day(args, "from"), until=day(args, "to"),
    )  # fmt: skip
