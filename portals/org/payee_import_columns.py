"""The mapping step of a file of payees: which column is which, and how the file is written where detection erred."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.errors import Invalid
from app.core.scope import Permission
from app.core.tables.table import Table
from app.payees import import_service
from app.payees.directory_models import PayeeImport
from app.payees.importing import Choices, PayeeField, check_table, match, open_table
from app.payees.states import PayeeImportStatus
from portals.org import bp
from portals.org.payee_imports import body_of, record_of
from portals.web.db import db
from portals.web.guards import require
from portals.web.htmx import done, page
from portals.web.table_form import TextTableForm, select

LABELS = {
    PayeeField.EMAIL: _l("E-mail"),
    PayeeField.NAME: _l("Name"),
    PayeeField.REFERENCE: _l("Your reference"),
    PayeeField.CURRENCY: _l("Currency"),
    PayeeField.TERMS: _l("Payment terms"),
    PayeeField.COMMISSION: _l("Commission"),
    PayeeField.TAGS: _l("Tags"),
}
HINTS = {
    PayeeField.EMAIL: _l("Needed to invite somebody; one payee for each address."),
    PayeeField.NAME: _l("Without it, the address is the name."),
    PayeeField.TERMS: _l("For example Net 30 or Due on receipt."),
    PayeeField.COMMISSION: _l("In percent; creators only."),
    PayeeField.TAGS: _l("Separated by commas or semicolons."),
}


class PayeeColumnsForm(TextTableForm):
    def asked(self) -> Choices:
        """What the person decided; empty selects mean: no such column."""
        columns = {field.value: self[field.value].data or "" for field in PayeeField}
        return Choices(columns, self.encoding.data or None, self.delimiter.data or None)

    def fill(self, choices: Choices, headings: Sequence[str]) -> None:
        """Show what is stored or detected."""
        try:
            found = match(headings, choices.columns).choices()
        except Invalid:
            found = dict(choices.columns)
        for field in PayeeField:
            self[field.value].data = found.get(field.value, "")
        self.encoding.data, self.delimiter.data = choices.encoding or "", choices.delimiter or ""

    def offer(self, headings: Sequence[str]) -> None:
        for field in PayeeField:
            self[field.value].choices = [("", _("Not in the file")), *((h, h) for h in headings)]


for _field in PayeeField:
    setattr(PayeeColumnsForm, _field.value, select(LABELS[_field], [], HINTS.get(_field, "")))


@bp.route("/payee-imports/<uuid:payee_import_id>/columns", methods=["GET", "POST"])
@require(Permission.PAYEE_MANAGE)
def payee_import_columns(payee_import_id: UUID) -> ResponseReturnValue:
    record = record_of(payee_import_id)
    if record.status is not PayeeImportStatus.UPLOADED:
        return done(back=url_for(".payee_import", payee_import_id=payee_import_id))
    body, form = body_of(record), PayeeColumnsForm()
    sent = form.is_submitted()
    if sent:
        form.validate()
    choices = form.asked() if sent else import_service.choices_of(record)
    table = _opened(body, choices, form)
    if sent and not form.faulty:
        with form.refusals():
            check_table(table, choices, import_service.settings_of(record))
            import_service.choose(db(), g.actor, g.organization.id, payee_import_id, choices)
            return done(back=url_for(".payee_import_preview", payee_import_id=payee_import_id))
    if not sent:
        form.fill(choices, table.headings)
    form.offer(table.headings)
    return page(
        "org/payee_imports/columns.html",
        fragment="org/payee_imports/_columns.html",
        form=form,
        fields=list(PayeeField),
        **_facts(record, table),
    )


def _facts(record: PayeeImport, table: Table) -> dict[str, Any]:
    return {"record": record, "table": table, "facts": table.dialect.facts()}


def _opened(body: bytes, choices: Choices, form: PayeeColumnsForm) -> Table:
    """As chosen, or as detected with the reason beside the choice that did not work."""
    try:
        return open_table(body, choices)
    except Invalid as unread:
        form.blame(unread)
        return open_table(body, Choices(choices.columns))
