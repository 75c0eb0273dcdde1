"""The mapping step of an import: which column is which, how the file is written, and what was detected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField

from app.core.errors import Invalid
from app.core.money import CURRENCIES
from app.core.scope import Permission
from app.payables import import_service
from app.payables.importing import (
    BillField,
    Bills,
    Choices,
    ColumnMap,
    Table,
    check_table,
    match,
    open_table,
)
from app.payables.states import ImportStatus
from portals.org import bp
from portals.org.imports import body_of, record_of
from portals.web.db import db
from portals.web.guards import require
from portals.web.htmx import done, page
from portals.web.table_form import TableForm, select

LABELS = {
    BillField.REFERENCE: _l("Reference"),
    BillField.SUPPLIER_REFERENCE: _l("Supplier reference"),
    BillField.SUPPLIER_NAME: _l("Supplier name"),
    BillField.AMOUNT: _l("Amount"),
    BillField.CURRENCY: _l("Currency"),
    BillField.DATE: _l("Invoice date"),
    BillField.DUE_DATE: _l("Due date"),
    BillField.TERMS: _l("Payment terms"),
    BillField.INVOICE_NUMBER: _l("Invoice number"),
    BillField.DESCRIPTION: _l("Description"),
    BillField.CATEGORY: _l("Category"),
}
HINTS = {
    BillField.REFERENCE: _l("What makes each line one bill. The same reference again adds nothing."),
    BillField.SUPPLIER_REFERENCE: _l("Your number of the supplier."),
    BillField.SUPPLIER_NAME: _l("Needed where there is no supplier reference."),
    BillField.AMOUNT: _l("A negative amount is a credit."),
    BillField.DATE: _l("Without it, the day of the import."),
    BillField.DUE_DATE: _l("Without it, the invoice date and your terms."),
    BillField.TERMS: _l("Such as “Net 30”; used where a line has no due date."),
}


class ColumnsForm(TableForm):
    """A select for each field of a bill, and what a person may decide about how the file is written."""

    default_currency = SelectField(
        _l("Currency of the file"), choices=sorted(CURRENCIES), description=_l("For lines that name none themselves.")
    )

    def asked(self) -> Choices:
        """What the person decided; empty selects mean: no such column."""
        return self.chosen({field.value: self[field.value].data or "" for field in BillField})

    def fill(self, choices: Choices, columns: ColumnMap, currency: str) -> None:
        """Show what is stored or detected."""
        for name, heading in columns.choices().items():
            self[name].data = heading
        self.show(choices)
        self.default_currency.data = currency

    def offer(self, headings: Sequence[str]) -> None:
        """The file's columns in each select, and whatever joined column was chosen before."""
        for field in BillField:
            chosen = self[field.value].data or ""
            more = [chosen] if chosen and chosen not in headings else []
            self[field.value].choices = [("", _("Not in the file")), *((h, h) for h in [*headings, *more])]


for _field in BillField:
    setattr(ColumnsForm, _field.value, select(LABELS[_field], [], HINTS.get(_field, "")))


@bp.route("/imports/<uuid:import_id>/columns", methods=["GET", "POST"])
@require(Permission.BILLS_IMPORT)
def import_columns(import_id: UUID) -> ResponseReturnValue:
    """`again` reads the file anew as decided and stays here."""
    record = record_of(import_id)
    if record.status is not ImportStatus.UPLOADED:
        return done(back=url_for(".bill_import", import_id=import_id))
    body, form = body_of(record), ColumnsForm()
    sent, again = form.is_submitted(), request.form.get("again") is not None
    if sent:
        form.validate()  # first: it forgets what was blamed before
    choices = form.asked() if sent else import_service.choices_of(record)
    currency = str(form.default_currency.data) if sent else record.currency
    table, choices = _opened(body, choices, form, again)
    columns = _matched(table, choices, form)
    bills = _checked(table, choices, currency, form if sent and not again else None)
    if sent and not form.faulty:
        import_service.choose(db(), g.actor, g.organization.id, import_id, choices, currency)
        return done(back=url_for(".import_columns" if again else ".import_preview", import_id=import_id))
    if not sent:
        form.fill(choices, columns, currency)
    form.offer(table.headings)
    return page(
        "org/imports/columns.html",
        fragment="org/imports/_columns.html",
        form=form,
        record=record,
        table=table,
        columns=columns,
        facts=bills.facts() if bills else table.dialect.facts(),
        fields=list(BillField),
    )


def _opened(body: bytes, choices: Choices, form: ColumnsForm, again: bool) -> tuple[Table, Choices]:
    """The file as decided; where that cannot be read, as detected, with the reason at its field."""
    try:
        table = open_table(body, replace(choices, columns={}) if again else choices)
    except Invalid as unread:
        form.blame(unread)
        table = open_table(body)
    if again:  # other headings may have come to light: only what still fits is kept
        kept = {name: heading for name, heading in choices.columns.items() if heading in table.headings}
        choices = replace(choices, columns=kept)
    return table, choices


def _matched(table: Table, choices: Choices, form: ColumnsForm) -> ColumnMap:
    try:
        return match(table.headings, choices.columns)
    except Invalid as wrong:
        form.blame(wrong)
        return match(table.headings)


def _checked(table: Table, choices: Choices, currency: str, blamed: ColumnsForm | None) -> Bills | None:
    """The bills, for what can be told about their amounts and dates; None while a required column is missing."""
    if blamed is not None and blamed.faulty:
        return None
    try:
        return check_table(table, choices, currency=currency)
    except Invalid as wrong:
        if blamed is not None:
            blamed.blame(wrong)
        return None
