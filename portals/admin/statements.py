"""Statements of our accounts: upload, say how the file is read, see what would come of it, import."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, SelectField

from app.core.errors import Conflict, Invalid
from app.core.money import CURRENCIES
from app.core.tables.choices import Choices
from app.core.tables.table import Table
from app.rails.accounts import ACCOUNTS
from app.reconciliation import statement_queries as queries
from app.reconciliation import statements as service
from app.reconciliation.models import BankStatement
from app.reconciliation.reading import tables
from app.reconciliation.reading.columns import Columns, LineField, match
from app.reconciliation.reading.values import Bookings
from app.reconciliation.states import StatementKind, StatementStatus
from portals.admin import bp
from portals.shared.statement_files import MOST_MEGABYTES, body_of, kept, received
from portals.web import htmx, paging
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.htmx import done, page
from portals.web.table_form import TableForm, select

SHOWN = 100  # faults of a file
ACCOUNT_LABELS = {name: account.label for name, account in ACCOUNTS.items()}
LABELS = {
    LineField.DATE: _l("Booking date"),
    LineField.AMOUNT: _l("Amount"),
    LineField.DEBIT: _l("Debit"),
    LineField.CREDIT: _l("Credit"),
    LineField.SIGN: _l("Debit or credit"),
    LineField.CURRENCY: _l("Currency"),
    LineField.DESCRIPTION: _l("Description"),
    LineField.COUNTERPARTY: _l("Counterparty"),
    LineField.REFERENCE: _l("Reference"),
    LineField.BANK_ID: _l("Bank’s number"),
    LineField.CHECK: _l("Check number"),
    LineField.BALANCE: _l("Balance"),
}
HINTS = {
    LineField.AMOUNT: _l("Below zero left the account."),
    LineField.SIGN: _l("Where the amounts have no sign."),
    LineField.REFERENCE: _l("What we gave the bank: end-to-end id, customer reference."),
    LineField.BANK_ID: _l("Unique for each booking, if the bank gives one."),
    LineField.BALANCE: _l("After the booking; it shows that no line is missing."),
}


class StatementForm(BaseForm):
    file = FileField(_l("Statement"))
    account = SelectField(_l("Account"), choices=list(ACCOUNT_LABELS.items()))
    currency = SelectField(
        _l("Currency"), choices=sorted(CURRENCIES), description=_l("For lines that name none themselves.")
    )


class ConfirmStatementForm(BaseForm):
    skip_faulty = BooleanField(_l("Leave the faulty lines out and import the others"))


class ColumnsForm(TableForm):
    """A select for each field of a booking, and how the file is written."""

    file_currency = SelectField(_l("Currency of the file"), choices=sorted(CURRENCIES))

    def asked(self) -> Choices:
        return self.chosen({field.value: self[f"column_{field.value}"].data or "" for field in LineField})

    def fill(self, choices: Choices, columns: Columns, currency: str) -> None:
        for name, heading in columns.choices().items():
            self[f"column_{name}"].data = heading
        self.show(choices)
        self.file_currency.data = currency

    def offer(self, headings: Sequence[str]) -> None:
        for field in LineField:
            self[f"column_{field.value}"].choices = [("", _("Not in the file")), *((h, h) for h in headings)]

    def blame_columns(self, refusal: Invalid) -> None:
        """Columns are named by their fields here."""
        named = {f"column_{name}" if f"column_{name}" in self else name: said for name, said in refusal.fields.items()}
        self.blame(Invalid(refusal.message, fields=named))


for _field in LineField:
    setattr(ColumnsForm, f"column_{_field.value}", select(LABELS[_field], [], HINTS.get(_field, "")))


@bp.get("/statements")
def statements() -> ResponseReturnValue:
    want = paging.wanted(25)
    account = request.args.get("account", "")
    account = account if account in ACCOUNTS else ""
    found = queries.statements(db(), account=account, cursor=want.cursor, limit=want.limit)
    return page(
        "admin/reconciliation/statements.html",
        fragment="admin/reconciliation/_statements.html",
        found=found,
        neighbours=paging.neighbours(found),
        accounts=ACCOUNT_LABELS,
        account=account,
        told=queries.told_until(db()),
    )


@bp.route("/statements/new", methods=["GET", "POST"])
def new_statement() -> ResponseReturnValue:
    """A file that cannot be read at all is refused here; a table goes on to its columns, camt.053 to the preview."""
    form = StatementForm()
    if request.method == "GET":
        form.currency.data = queries.usual_currency(db())
    if form.accepts():
        with _at_the_file(form):
            name, body = received()
            record = kept(name, body, str(form.account.data), str(form.currency.data))
            sure = record.kind is StatementKind.CAMT or record.choices["columns"]
            return done(back=url_for(".statement" if sure else ".statement_columns", statement_id=record.id))
    return page(
        "admin/reconciliation/upload.html", fragment="admin/reconciliation/_upload.html", form=form,
        most_megabytes=MOST_MEGABYTES,
    )  # fmt: skip


@contextmanager
def _at_the_file(form: StatementForm) -> Iterator[None]:
    """What is wrong with the file stands beside its field."""
    try:
        with form.refusals():
            yield
    finally:
        if form.form_errors:
            form.file.errors = [*form.file.errors, *form.form_errors]
            form.form_errors.clear()


@bp.get("/statements/<uuid:statement_id>")
def statement(statement_id: UUID) -> ResponseReturnValue:
    """The preview; while the job runs, the page asks again; then what came of it."""
    record = service.find(db(), statement_id)
    if record.status is StatementStatus.UPLOADED:
        return _previewed(record, ConfirmStatementForm())
    if htmx.wants_fragment() and record.status is not StatementStatus.RUNNING:
        return htmx.go(url_for(".statement", statement_id=statement_id))  # the head of the page changes too
    return page(
        "admin/reconciliation/statement.html", fragment="admin/reconciliation/_statement.html", record=record,
        accounts=ACCOUNT_LABELS,
    )  # fmt: skip


def _previewed(record: BankStatement, form: ConfirmStatementForm) -> ResponseReturnValue:
    try:
        bookings = service.read(record, body_of(record))
    except Invalid:
        return done(back=url_for(".statement_columns", statement_id=record.id))
    return page(
        "admin/reconciliation/preview.html",
        fragment="admin/reconciliation/_preview.html",
        form=form,
        record=record,
        bookings=bookings,
        found=service.preview(db(), g.actor, record, bookings),
        faults=bookings.told(SHOWN),
        accounts=ACCOUNT_LABELS,
    )


@bp.post("/statements/<uuid:statement_id>/confirmation")
def statement_confirmation(statement_id: UUID) -> ResponseReturnValue:
    record, form = service.find(db(), statement_id), ConfirmStatementForm()
    back = url_for(".statement", statement_id=statement_id)
    if record.status is not StatementStatus.UPLOADED:
        return done(back=back, toast=_("This statement is imported already"))
    if form.accepts():
        bookings = service.read(record, body_of(record))
        try:
            with form.refusals():
                service.confirm(db(), g.actor, statement_id, bookings, skip_faulty=bool(form.skip_faulty.data))
                return done(back=back)
        except Conflict as twice:  # two clicks at the same moment
            return done(back=back, toast=twice.message)
    return _previewed(record, form)


@bp.post("/statements/<uuid:statement_id>/removal")
def statement_removal(statement_id: UUID) -> ResponseReturnValue:
    service.discard(db(), g.actor, statement_id)
    return done(back=url_for(".statements"), toast=_("The upload is gone; nothing was imported from it"))


@bp.route("/statements/<uuid:statement_id>/columns", methods=["GET", "POST"])
def statement_columns(statement_id: UUID) -> ResponseReturnValue:
    """`again` reads the file anew as decided and stays here."""
    record = service.find(db(), statement_id)
    if record.status is not StatementStatus.UPLOADED or record.kind is StatementKind.CAMT:
        return done(back=url_for(".statement", statement_id=statement_id))
    body, form = body_of(record), ColumnsForm()
    sent, again = form.is_submitted(), request.form.get("again") is not None
    if sent:
        form.validate()  # first: it forgets what was blamed before
    choices = form.asked() if sent else Choices.of(record.choices)
    currency = str(form.file_currency.data) if sent else record.currency
    table = _opened(body, choices, form, again)
    columns = _matched(table, choices, form, again)
    bookings = _read(table, columns, currency, choices, form)
    if sent and not form.faulty:
        wanted = replace(choices, columns=columns.choices())
        service.choose(db(), g.actor, statement_id, wanted, currency, table.headings)
        return done(back=url_for(".statement_columns" if again else ".statement", statement_id=statement_id))
    if not sent:
        form.fill(choices, columns, currency)
    form.offer(table.headings)
    return page(
        "admin/reconciliation/columns.html",
        fragment="admin/reconciliation/_columns.html",
        form=form,
        record=record,
        table=table,
        columns=columns,
        facts=bookings.facts if bookings else table.dialect.facts(),
        fields=list(LineField),
    )


def _opened(body: bytes, choices: Choices, form: ColumnsForm, again: bool) -> Table:
    """The file as decided; where that cannot be read, as detected, with the reason at its field."""
    try:
        return tables.open_table(body, replace(choices, columns={}) if again else choices)
    except Invalid as unread:
        form.blame(unread)
        return tables.open_table(body)


def _matched(table: Table, choices: Choices, form: ColumnsForm, again: bool) -> Columns:
    """`again`: other headings may have come to light, so only what still fits is kept."""
    chosen = dict(choices.columns)
    if again:
        chosen = {name: heading for name, heading in chosen.items() if heading in table.headings}
    try:
        return match(table.headings, chosen or None)
    except Invalid as wrong:
        if form.is_submitted() and not again:
            form.blame_columns(wrong)
        return match(table.headings)


def _read(table: Table, columns: Columns, currency: str, choices: Choices, form: ColumnsForm) -> Bookings | None:
    """The bookings, for what can be told about amounts and dates; None while a needed column is missing."""
    try:
        return tables.read_bookings(table, columns, currency=currency, choices=choices)
    except Invalid as wrong:
        if form.is_submitted() and not form.faulty:
            form.blame_columns(wrong)
        return None
