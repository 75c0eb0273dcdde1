"""Payees from files: upload, match the columns where needed, see what would come of it, import or invite."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, RadioField, SelectField

from app.core.errors import Conflict, Invalid
from app.core.money import CURRENCIES
from app.core.scope import Permission
from app.files.models import FilePurpose
from app.payees import import_queries, import_rows, import_service
from app.payees.directory_models import PayeeImport
from app.payees.import_service import KINDS, Preview, UploadedFile
from app.payees.importing import Choices, PayeeFile, check_table, match, open_table, refused_csv
from app.payees.importing.reading import MAX_ROWS
from app.payees.kinds import spec_of
from app.payees.states import PayeeImportStatus, PayeeKind, RowOutcome
from portals.org import asking, bp, uploads
from portals.web import htmx, paging
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.guards import require
from portals.web.htmx import done, page

SHOWN = 100
SHOWN_ROWS = 10
LABELS = {
    RowOutcome.INVITED: _l("Invited"),
    RowOutcome.ADDED: _l("Added"),
    RowOutcome.KNOWN: _l("There already"),
    RowOutcome.REFUSED: _l("Not added"),
    RowOutcome.WAITING: _l("Waiting"),
}


class UploadForm(BaseForm):
    file = FileField(_l("File with payees"))
    kind = SelectField(_l("They are"), choices=[(kind.value, _l(spec_of(kind).plural)) for kind in KINDS])
    what = RadioField(
        _l("What to do"),
        choices=[
            ("invite", _l("Add them and invite each by e-mail")),
            ("add", _l("Only add them; invite them later")),
        ],
        default="invite",
    )
    currency = SelectField(
        _l("Currency"), choices=sorted(CURRENCIES), description=_l("For rows that name none themselves.")
    )


class ConfirmForm(BaseForm):
    skip_bad = BooleanField(_l("Leave the faulty rows out and take the others"))


@bp.get("/payee-imports")
@require(Permission.PAYEE_MANAGE)
def payee_imports() -> ResponseReturnValue:
    want = paging.wanted(25)
    found = import_queries.imports(db(), g.organization.id, cursor=want.cursor, limit=want.limit)
    return page(
        "org/payee_imports/index.html",
        fragment="org/payee_imports/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
    )


@bp.route("/payee-imports/new", methods=["GET", "POST"])
@require(Permission.PAYEE_MANAGE)
def new_payee_import() -> ResponseReturnValue:
    """What cannot be a table at all is refused here; everything else is kept and shown."""
    kind = asking.one_of(PayeeKind, request.args, "kind")
    form = UploadForm(currency=g.organization.currency, kind=kind.value if kind in KINDS else None)
    if form.accepts():
        with uploads.refusals(form):
            name, body = uploads.received(request.files.get("file"))
            table = open_table(body)
            row = uploads.keep(name, body, FilePurpose.PAYEES)
            made = import_service.keep_upload(
                db(), g.actor, g.organization.id, UploadedFile(row.name, row.content_sha256, row.id),
                kind=PayeeKind(form.kind.data), invites=form.what.data == "invite", currency=form.currency.data,
            )  # fmt: skip
            step = ".payee_import_preview" if _plain(table.headings, made) else ".payee_import_columns"
            return done(back=url_for(step, payee_import_id=made.id))
    return page(
        "org/payee_imports/new.html",
        fragment="org/payee_imports/_new.html",
        form=form,
        most_megabytes=uploads.MOST_MEGABYTES,
        most_rows=MAX_ROWS,
    )


def _plain(headings: tuple[str, ...], record: PayeeImport) -> bool:
    """Whether every heading says what it is, so that nothing has to be asked."""
    try:
        columns = match(headings)
    except Invalid:
        return False
    return not columns.unread and ("email" in columns.fields or not record.invites)


def record_of(payee_import_id: UUID) -> PayeeImport:
    """Raises NotFound."""
    return import_queries.find(db(), g.organization.id, payee_import_id)


def body_of(record: PayeeImport) -> bytes:
    """The uploaded bytes. Raises NotFound when they were not kept."""
    return uploads.kept(record.file_id)


def checked(record: PayeeImport, choices: Choices | None = None) -> PayeeFile:
    """The file as its choices read it. Raises Invalid where it cannot be read at all."""
    choices = choices or import_service.choices_of(record)
    return check_table(open_table(body_of(record), choices), choices, import_service.settings_of(record))


def _previewed(record: PayeeImport) -> Preview:
    settings = import_service.settings_of(record)
    return import_service.preview(db(), g.actor, g.organization.id, checked(record), settings)


@bp.get("/payee-imports/<uuid:payee_import_id>/preview")
@require(Permission.PAYEE_MANAGE)
def payee_import_preview(payee_import_id: UUID) -> ResponseReturnValue:
    record = record_of(payee_import_id)
    if record.status is not PayeeImportStatus.UPLOADED:
        return done(back=url_for(".payee_import", payee_import_id=payee_import_id))
    try:
        found = _previewed(record)
    except Invalid as unread:
        return done(back=url_for(".payee_import_columns", payee_import_id=payee_import_id), toast=unread.message)
    return page("org/payee_imports/preview.html", form=ConfirmForm(), **_shown(record, found))


def _shown(record: PayeeImport, found: Preview) -> dict[str, Any]:
    bad = {fault.line for fault in found.faults}
    good = [row for row in found.file.rows if row.line not in bad and row.line not in found.known]
    return {
        "record": record,
        "found": found,
        "rows": good[:SHOWN_ROWS],
        "faults": found.faults[:SHOWN],
        "kind": spec_of(record.kind),
    }


@bp.post("/payee-imports/<uuid:payee_import_id>/confirmation")
@require(Permission.PAYEE_MANAGE)
def payee_import_confirmation(payee_import_id: UUID) -> ResponseReturnValue:
    """Take all rows, or all but the faulty ones when that was ticked; a job adds them."""
    record, form = record_of(payee_import_id), ConfirmForm()
    back = url_for(".payee_import", payee_import_id=payee_import_id)
    if record.status is not PayeeImportStatus.UPLOADED:
        return done(back=back, toast=_("This file is imported already"))
    found = _previewed(record)
    if form.accepts():
        try:
            with form.refusals():
                import_service.confirm(
                    db(), g.actor, g.organization.id, payee_import_id, found, skip_bad=bool(form.skip_bad.data)
                )
                return done(back=back)
        except Conflict as twice:  # two clicks at the same moment
            return done(back=back, toast=twice.message)
    context = _shown(record, found)
    return page("org/payee_imports/preview.html", fragment="org/payee_imports/_preview.html", form=form, **context)


@bp.get("/payee-imports/<uuid:payee_import_id>")
@require(Permission.PAYEE_MANAGE)
def payee_import(payee_import_id: UUID) -> ResponseReturnValue:
    """What came of each row; while the job is at it, the page asks again."""
    record = record_of(payee_import_id)
    if record.status is PayeeImportStatus.UPLOADED:
        return done(back=url_for(".payee_import_columns", payee_import_id=payee_import_id))
    outcome, want = asking.one_of(RowOutcome, request.args, "outcome"), paging.wanted()
    rows = import_queries.rows(db(), record.id, outcome=outcome, cursor=want.cursor, limit=want.limit)
    polls = request.args.get("progress") is not None
    if polls and record.status is not PayeeImportStatus.RUNNING:
        return htmx.go(url_for(".payee_import", payee_import_id=payee_import_id))  # the head of the page changes too
    return page(
        "org/payee_imports/import.html",
        fragment="org/payee_imports/_progress.html" if polls else "org/payee_imports/_rows.html",
        record=record,
        kind=spec_of(record.kind),
        counts=import_rows.counts(db(), record.id),
        labels=LABELS,
        outcome=outcome,
        rows=rows,
        neighbours=paging.neighbours(rows),
    )


@bp.get("/payee-imports/<uuid:payee_import_id>/refused.csv")
@require(Permission.PAYEE_MANAGE)
def payee_import_refused(payee_import_id: UUID) -> ResponseReturnValue:
    """The rows that were (or would be) left out as they stood, with what is wrong, to mend and upload again."""
    record = record_of(payee_import_id)
    if record.status is PayeeImportStatus.UPLOADED:
        found = _previewed(record)
        file, faults = found.file, found.faults
    else:
        file, faults = checked(record), import_queries.refused(db(), record.id)
    answer = Response(refused_csv(file, faults), content_type="text/csv; charset=utf-8")
    name = record.file_name.rpartition(".")[0] or record.file_name
    answer.headers.set("Content-Disposition", "attachment", filename=f"{name}-to-mend.csv")
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/payee-imports/<uuid:payee_import_id>/removal")
@require(Permission.PAYEE_MANAGE)
def payee_import_removal(payee_import_id: UUID) -> ResponseReturnValue:
    import_service.discard(db(), g.actor, g.organization.id, payee_import_id)
    return done(back=url_for(".payee_imports"), toast=_("The upload is gone; nobody was added from it"))
