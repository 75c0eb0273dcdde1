"""Appointments of the organization's doctors: what was held, what it earned, written down by hand or from a file."""

from __future__ import annotations

import hashlib
from uuid import UUID

from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField

from app.consultations import appointment_imports as importing
from app.consultations import appointment_queries as queries
from app.consultations import appointments as service
from app.consultations.appointment_files import MOST_ROWS, read_appointments
from app.consultations.import_models import AppointmentImport
from app.consultations.states import AppointmentSource, AppointmentStatus, ImportStatus
from app.core.errors import Conflict, Invalid
from app.core.scope import Permission
from portals.org import bp, uploads
from portals.shared import appointments as shared
from portals.shared.appointments import SOURCES, AppointmentForm, DismissalForm
from portals.web import htmx, paging
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.guards import require
from portals.web.htmx import done, page

SHOWN = 100


@bp.get("/appointments")
@require(Permission.CONSULTATION_READ)
def appointments() -> ResponseReturnValue:
    filters, query = shared.asked(g.organization.id)
    want = paging.wanted()
    found = queries.appointments(db(), filters, want.cursor, want.limit)
    return page(
        "org/appointments/index.html",
        fragment="org/appointments/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        chosen=filters,
        query=query,
        statuses=list(AppointmentStatus),
        sources=SOURCES,
        rate_of=shared.rate_of,
        doctors=queries.doctors(db(), g.organization.id),
    )


@bp.get("/appointments.csv")
@require(Permission.CONSULTATION_READ)
def appointments_file() -> Response:
    filters, _query = shared.asked(g.organization.id)
    return shared.file_of(filters, g.slug)


@bp.route("/appointments/new", methods=["GET", "POST"])
@require(Permission.APPOINTMENT_RECORD)
def new_appointment() -> ResponseReturnValue:
    form = AppointmentForm()
    form.offer(queries.doctors(db(), g.organization.id))
    if form.accepts():
        with form.refusals():
            made = written(form, g.organization.id, g.organization.time_zone)
            toast = _("The appointment is written down") if made.new else _("This number was written down before")
            return done(back=url_for(".appointments"), toast=toast)
    return page("org/appointments/new.html", fragment="org/appointments/_new.html", form=form)


def written(form: AppointmentForm, organization_id: UUID, time_zone: str) -> service.Recorded:
    """Raises Invalid in the names of the form's fields."""
    try:
        return service.record(db(), g.actor, organization_id, AppointmentSource.ADMIN, [form.held(time_zone)])
    except Invalid as wrong:
        raise Invalid(wrong.message, fields=form.blame_fields(dict(wrong.fields))) from None


@bp.route("/appointments/<uuid:appointment_id>/dismissal", methods=["GET", "POST"])
@require(Permission.APPOINTMENT_RECORD)
def appointment_dismissal(appointment_id: UUID) -> ResponseReturnValue:
    row = queries.appointment(db(), appointment_id, g.organization.id)
    form = DismissalForm()
    if form.accepts():
        with form.refusals():
            service.dismiss(db(), g.actor, g.organization.id, appointment_id, form.reason.data or "")
            return done(back=url_for(".appointments"), toast=_("The appointment is taken out"))
    return page("org/appointments/dismissal.html", fragment="org/appointments/_dismissal.html", form=form, row=row)


class AppointmentUploadForm(BaseForm):
    file = FileField(_l("File with appointments"))


class ConfirmAppointmentsForm(BaseForm):
    skip_faulty = BooleanField(_l("Leave the faulty lines out and import the others"))


@bp.get("/appointments/imports")
@require(Permission.APPOINTMENT_RECORD)
def appointment_imports() -> ResponseReturnValue:
    want = paging.wanted(25)
    found = importing.imports(db(), g.organization.id, want.cursor, want.limit)
    return page(
        "org/appointments/imports.html",
        fragment="org/appointments/_imports.html",
        found=found,
        neighbours=paging.neighbours(found),
    )


@bp.route("/appointments/imports/new", methods=["GET", "POST"])
@require(Permission.APPOINTMENT_RECORD)
def new_appointment_import() -> ResponseReturnValue:
    """What cannot be read is refused here; nothing is written before the preview was seen."""
    form = AppointmentUploadForm()
    if form.accepts():
        with uploads.refusals(form):
            name, body = uploads.received(request.files.get("file"))
            read = read_appointments(body, time_zone=g.organization.time_zone)
            made = importing.keep(
                db(), g.actor, g.organization.id, name=name, sha256=hashlib.sha256(body).hexdigest(), found=read
            )
            return done(back=url_for(".appointment_import", appointment_import_id=made.id))
    return page(
        "org/appointments/upload.html", fragment="org/appointments/_upload.html", form=form,
        most_megabytes=uploads.MOST_MEGABYTES, most_rows=MOST_ROWS,
    )  # fmt: skip


@bp.get("/appointments/imports/<uuid:appointment_import_id>")
@require(Permission.APPOINTMENT_RECORD)
def appointment_import(appointment_import_id: UUID) -> ResponseReturnValue:
    """The preview; while the job runs, the page asks again; then what came of it."""
    record = importing.find(db(), g.organization.id, appointment_import_id)
    if record.status is ImportStatus.UPLOADED:
        return _previewed(record, ConfirmAppointmentsForm())
    if htmx.wants_fragment() and record.status is not ImportStatus.RUNNING:
        return htmx.go(url_for(".appointment_import", appointment_import_id=appointment_import_id))
    return page("org/appointments/import.html", fragment="org/appointments/_result.html", record=record)


def _previewed(record: AppointmentImport, form: ConfirmAppointmentsForm) -> ResponseReturnValue:
    read = importing.content(record)
    return page(
        "org/appointments/preview.html",
        fragment="org/appointments/_preview.html",
        form=form,
        record=record,
        read=read,
        found=importing.preview(db(), g.actor, g.organization.id, read),
        faults=read.faults[:SHOWN],
    )


@bp.post("/appointments/imports/<uuid:appointment_import_id>/confirmation")
@require(Permission.APPOINTMENT_RECORD)
def appointment_import_confirmation(appointment_import_id: UUID) -> ResponseReturnValue:
    record = importing.find(db(), g.organization.id, appointment_import_id)
    back, form = url_for(".appointment_import", appointment_import_id=appointment_import_id), ConfirmAppointmentsForm()
    if record.status is not ImportStatus.UPLOADED:
        return done(back=back, toast=_("This file is imported already"))
    if form.accepts():
        try:
            with form.refusals():
                importing.confirm(
                    db(), g.actor, g.organization.id, appointment_import_id, skip_faulty=bool(form.skip_faulty.data)
                )
                return done(back=back)
        except Conflict as twice:  # two clicks at the same moment
            return done(back=back, toast=twice.message)
    return _previewed(record, form)


@bp.post("/appointments/imports/<uuid:appointment_import_id>/removal")
@require(Permission.APPOINTMENT_RECORD)
def appointment_import_removal(appointment_import_id: UUID) -> ResponseReturnValue:
    importing.discard(db(), g.actor, g.organization.id, appointment_import_id)
    return done(back=url_for(".appointment_imports"), toast=_("The upload is gone; nothing was imported from it"))
