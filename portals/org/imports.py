"""Bills from files: upload, match the columns, look at what would come of it, import. Nothing is written before."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf.file import FileField
from wtforms import BooleanField, SelectField

from app.core.errors import Conflict, Invalid
from app.core.money import CURRENCIES
from app.core.scope import Permission
from app.files.models import FilePurpose
from app.payables import import_service, queries
from app.payables import uploads as kept
from app.payables.import_service import BillFile, Imported
from app.payables.importing import Bills, check_table, open_table, skipped_csv
from app.payables.known import held_against_known
from app.payables.models import BillImport
from app.payables.states import ImportStatus
from portals.org import bp, uploads
from portals.web import htmx, paging
from portals.web.db import db
from portals.web.filters import number
from portals.web.forms import BaseForm
from portals.web.guards import require
from portals.web.htmx import done, page

AT_ONCE = 20_000  # more rows than that are imported by a job
SHOWN_ERRORS = 100
SHOWN_ROWS = 10


class UploadForm(BaseForm):
    file = FileField(_l("File with bills"))
    currency = SelectField(
        _l("Currency"), choices=sorted(CURRENCIES), description=_l("For lines that name none themselves.")
    )


class ConfirmForm(BaseForm):
    skip_bad = BooleanField(_l("Leave the faulty lines out and import the others"))


@bp.get("/imports")
@require(Permission.BILLS_IMPORT)
def imports() -> ResponseReturnValue:
    want = paging.wanted(25)
    found = queries.imports(db(), g.organization.id, cursor=want.cursor, limit=want.limit)
    return page(
        "org/imports/index.html",
        fragment="org/imports/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
    )


@bp.route("/imports/new", methods=["GET", "POST"])
@require(Permission.BILLS_IMPORT)
def new_import() -> ResponseReturnValue:
    """What cannot be a table at all is refused here; everything else is kept and shown."""
    form = UploadForm(currency=g.organization.currency)
    if form.accepts():
        with uploads.refusals(form):
            name, body = uploads.received(request.files.get("file"))
            open_table(body)
            row = uploads.keep(name, body, FilePurpose.BILLS)
            file = BillFile(row.name, row.content_sha256, row.id)
            made = import_service.keep_upload(db(), g.actor, g.organization.id, file, form.currency.data)
            return done(back=url_for(".import_columns", import_id=made.id))
    return page(
        "org/imports/new.html", fragment="org/imports/_new.html", form=form, most_megabytes=uploads.MOST_MEGABYTES
    )


def record_of(import_id: UUID) -> BillImport:
    """Raises NotFound."""
    return kept.find(db(), g.organization.id, import_id)


def body_of(record: BillImport) -> bytes:
    """The uploaded bytes. Raises NotFound when they were not kept."""
    return uploads.kept(record.file_id)


def checked(record: BillImport) -> Bills:
    """The file as its choices read it, held against what is stored. Raises Invalid where it cannot be read at all."""
    choices, currency = import_service.choices_of(record), record.currency
    bills = check_table(open_table(body_of(record), choices), choices, currency=currency)
    return held_against_known(db(), g.organization.id, bills)


@bp.get("/imports/<uuid:import_id>/preview")
@require(Permission.BILLS_IMPORT)
def import_preview(import_id: UUID) -> ResponseReturnValue:
    record = record_of(import_id)
    if record.status is not ImportStatus.UPLOADED:
        return done(back=url_for(".bill_import", import_id=import_id))
    try:
        bills = checked(record)
    except Invalid as unread:
        return done(back=url_for(".import_columns", import_id=import_id), toast=unread.message)
    return page("org/imports/preview.html", form=ConfirmForm(), **_previewed(record, bills))


def _previewed(record: BillImport, bills: Bills) -> dict[str, Any]:
    known = kept.known_suppliers(db(), g.organization.id, bills.suppliers)
    return {
        "record": record,
        "bills": bills,
        "summary": import_service.preview(db(), g.actor, g.organization.id, bills),
        "known_suppliers": known,
        "new_suppliers": len(bills.suppliers) - known,
        "rows": bills.rows[:SHOWN_ROWS],
        "errors": bills.errors[:SHOWN_ERRORS],
        "later": bills.read > AT_ONCE,
    }


@bp.post("/imports/<uuid:import_id>/confirmation")
@require(Permission.BILLS_IMPORT)
def import_confirmation(import_id: UUID) -> ResponseReturnValue:
    """Write the bills: all of them, or all but the faulty lines when that was ticked, or none."""
    record, form = record_of(import_id), ConfirmForm()
    back = url_for(".bill_import", import_id=import_id)
    if record.status is not ImportStatus.UPLOADED:
        return done(back=back, toast=_("This file is imported already"))
    bills = checked(record)
    if not form.accepts() or (bills.errors and not form.skip_bad.data):
        form.skip_bad.errors = [_("Tick this, or mend the lines in the file and upload it again.")]
        context = _previewed(record, bills)
        return page("org/imports/preview.html", fragment="org/imports/_preview.html", form=form, **context)
    skip = bool(form.skip_bad.data)
    try:
        if bills.read > AT_ONCE:
            import_service.confirm(db(), g.actor, g.organization.id, import_id, skip_bad=skip)
            return done(back=back)
        made = _import(record, bills, skip)
    except Conflict as twice:  # two clicks at the same moment
        return done(back=back, toast=twice.message)
    return done(back=back, toast=told(made))


def _import(record: BillImport, bills: Bills, skip_bad: bool) -> Imported:
    file = BillFile(record.file_name, record.file_sha256, record.file_id)
    return import_service.import_bills(
        db(), g.actor, g.organization.id, bills, file, skip_bad=skip_bad, import_id=record.id
    )


def told(made: Imported) -> tuple[str, str]:
    summary = made.summary
    title = ngettext("%(n)s bill imported", "%(n)s bills imported", summary.imported, n=number(summary.imported))
    text = ngettext("%(n)s new payee.", "%(n)s new payees.", made.new_payees, n=number(made.new_payees))
    if summary.already:
        text += " " + ngettext(
            "%(n)s was there before.", "%(n)s were there before.", summary.already, n=number(summary.already)
        )
    return title, text


@bp.get("/imports/<uuid:import_id>")
@require(Permission.BILLS_IMPORT)
def bill_import(import_id: UUID) -> ResponseReturnValue:
    """What came of a file; while a job imports it, the page asks again."""
    record = record_of(import_id)
    if record.status is ImportStatus.UPLOADED:
        return done(back=url_for(".import_columns", import_id=import_id))
    if htmx.wants_fragment() and record.status is not ImportStatus.RUNNING:
        return htmx.go(url_for(".bill_import", import_id=import_id))  # the head of the page changes too
    return page("org/imports/import.html", fragment="org/imports/_result.html", record=record)


@bp.get("/imports/<uuid:import_id>/skipped.csv")
@require(Permission.BILLS_IMPORT)
def import_skipped(import_id: UUID) -> ResponseReturnValue:
    """The lines that were (or would be) left out, with what is wrong, to mend and upload again."""
    record = record_of(import_id)
    answer = Response(skipped_csv(checked(record)), content_type="text/csv; charset=utf-8")
    name = record.file_name.rpartition(".")[0] or record.file_name
    answer.headers.set("Content-Disposition", "attachment", filename=f"{name}-to-mend.csv")
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/imports/<uuid:import_id>/removal")
@require(Permission.BILLS_IMPORT)
def import_removal(import_id: UUID) -> ResponseReturnValue:
    kept.discard(db(), g.actor, g.organization.id, import_id)
    return done(back=url_for(".imports"), toast=_("The upload is gone; nothing was imported from it"))
