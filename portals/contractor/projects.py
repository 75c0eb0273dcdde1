"""A contractor's own part of a project: moving the card, hours, saying no, the invoice after the approval."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, MultipleFileField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from app.core.clock import today
from app.core.errors import Conflict
from app.db.paging import AnyRow
from app.files import service as file_service
from app.files.models import FilePurpose
from app.identity.states import Portal
from app.payables import rules as bill_rules
from app.payables import service as payables
from app.payables.rules import RequestForm
from app.payables.states import WorkType
from app.projects import approving, hours, queries, rules, service
from app.projects.states import AT_WORK
from portals.contractor import bp
from portals.shared import projects as shared
from portals.shared.board import seen_version
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.htmx import Fragment, done, fragment, page, refused
from portals.web.i18n import reader_today
from portals.web.status import badge_of
from portals.web.uploads import FilesForm

_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)")
_DECIMAL = re.compile(r"\d{1,2}([.,]\d{1,2})?")


def read_hours(text: str) -> int:
    """Minutes of "1:30", "1.5" or "8". Raises ValidationError."""
    text = text.strip()
    if match := _CLOCK.fullmatch(text):
        return int(match[1]) * 60 + int(match[2])
    if _DECIMAL.fullmatch(text):
        return round(float(text.replace(",", ".")) * 60)
    raise ValidationError(_("Write hours like 1:30 or 1.5."))


class TimeForm(BaseForm):
    worked_on = DateField(_l("Day"), [InputRequired(_l("Give the day."))])
    hours = StringField(_l("Hours"), [InputRequired(_l("Give the hours."))], description=_l("1:30 or 1.5"))
    note = StringField(_l("What you did"), [InputRequired(_l("Say what you did.")), Length(max=rules.LONGEST_NOTE)])

    def validate_hours(self, field: StringField) -> None:
        read_hours(field.data or "")


class DeclineForm(BaseForm):
    reason = TextAreaField(
        _l("Reason"), [InputRequired(_l("Give a reason.")), Length(max=rules.LONGEST_COMMENT)],
        description=_l("The organization reads it."),
    )  # fmt: skip


class InvoiceForm(FilesForm):
    invoice_number = StringField(_l("Invoice number"), [Optional(), Length(max=bill_rules.LONGEST_INVOICE_NUMBER)])
    invoice_on = DateField(_l("Invoice date"), [InputRequired(_l("Give the date of the invoice."))])
    files = MultipleFileField(_l("Your invoice"))


@bp.get("/projects/<uuid:project_id>")
def project(project_id: UUID) -> ResponseReturnValue:
    row = shared.row_of(project_id)
    return page(shared.template("project.html"), **shared.details(row))


def _extra(row: AnyRow) -> dict[str, Any]:
    return {
        "time_form": TimeForm(formdata=None, data={"worked_on": today()}),
        "loggable": row.rate_kind == "hourly" and queries.status(row) in AT_WORK and row.cancelled_at is None,
        "billable": queries.status(row) == "approved" and row.by_invoice and row.request_status in (None, "cancelled"),
    }


shared.EXTRA[Portal.CONTRACTOR] = _extra


@bp.post("/projects/<uuid:project_id>/move")
def project_move(project_id: UUID) -> ResponseReturnValue:
    """From the board, the card's menu or its page. Whoever was slower gets the board as it is now."""
    shared.row_of(project_id)
    to = shared.wanted_status()
    try:
        moved = service.move(db(), g.actor, project_id, to, version=seen_version())
    except service.Moved as refusal:
        db().rollback()
        return refused(refusal, _board())
    row = shared.row_of(moved.id)
    card = shared.cards([row])[row.id]
    said = _("Moved to %(column)s", column=badge_of("project", row.stage).word)
    context = {"card": card, "stage": row.stage}
    piece = fragment("shared/board/_card.html", target=f"#card-{row.id}", **context)
    return done(piece, back=url_for(".projects"), toast=(said, row.title))


def _board() -> Fragment:
    return fragment("shared/board/_board.html", target="#board", lanes=shared.lanes(), board_label=_("Project board"))


@bp.post("/projects/<uuid:project_id>/step")
def project_step(project_id: UUID) -> ResponseReturnValue:
    """The same moves from the project's own page, which is shown again."""
    shared.row_of(project_id)
    moved = service.move(db(), g.actor, project_id, shared.wanted_status(), version=seen_version())
    return done(back=url_for(".project", project_id=project_id), toast=(moved.title, moved.status.label))


@bp.route("/projects/<uuid:project_id>/refusal", methods=["GET", "POST"])
def project_refusal(project_id: UUID) -> ResponseReturnValue:
    """Say no to a project that was not taken on yet."""
    row, form = shared.row_of(project_id), DeclineForm()
    if form.accepts():
        with form.refusals():
            service.cancel(db(), g.actor, project_id, form.reason.data)
            return done(back=url_for(".projects"), toast=(_("Declined"), row.title))
    return page("contractor/projects/refusal.html", fragment="contractor/projects/_refusal.html", form=form, row=row)


@bp.post("/projects/<uuid:project_id>/hours")
def project_hours(project_id: UUID) -> ResponseReturnValue:
    row, form = shared.row_of(project_id), TimeForm()
    if form.accepts():
        with form.refusals():
            hours.log(
                db(), g.actor, project_id, worked_on=form.worked_on.data, minutes=read_hours(form.hours.data),
                note=form.note.data,
            )  # fmt: skip
            return done(back=url_for(".project", project_id=project_id), toast=_("Hours added"))
    shown = shared.details(row, time_form=form)
    return page(shared.template("project.html"), fragment="contractor/projects/_time.html", **shown)


@bp.post("/projects/<uuid:project_id>/hours/<uuid:entry_id>/removal")
def project_hours_removal(project_id: UUID, entry_id: UUID) -> ResponseReturnValue:
    shared.row_of(project_id)
    hours.remove(db(), g.actor, project_id, entry_id)
    return done(back=url_for(".project", project_id=project_id), toast=_("Hours taken off"))


@bp.route("/projects/<uuid:project_id>/invoice", methods=["GET", "POST"])
def project_invoice(project_id: UUID) -> ResponseReturnValue:
    """The payment request for an approved project that waits for one: its amount is the agreed one."""
    row, form = shared.row_of(project_id), InvoiceForm(invoice_on=reader_today())
    approving.billable(db(), g.actor, project_id)
    if form.accepts_with_files():
        try:
            with form.refusals():
                return _billed(row, form)
        except Conflict as refusal:
            form.blame(refusal)
    amount = queries.amount(row)
    return page(
        "contractor/projects/invoice.html", fragment="contractor/projects/_invoice.html", form=form, row=row,
        amount=amount, accept=shared.ACCEPT,
    )  # fmt: skip


def _billed(row: AnyRow, form: InvoiceForm) -> ResponseReturnValue:
    approving.billable(db(), g.actor, row.id)
    ids = [
        file_service.add(
            db(), g.actor, kept.inspected, kept.key, organization_id=row.organization_id, payee_id=row.payee_id,
            purpose=FilePurpose.ATTACHMENT,
        ).id
        for kept in form.uploads
    ]  # fmt: skip
    content = RequestForm(
        queries.amount(row), row.title, form.invoice_on.data, WorkType.PROJECT_DELIVERY,
        form.invoice_number.data, row.reference, ids,
    )  # fmt: skip
    made = payables.submit_new(db(), g.actor, row.organization_id, content, even_so=True)
    approving.bill(db(), g.actor, row.id, made.id)
    return done(back=url_for(".request", request_id=made.id), toast=(_("Invoice sent"), row.title))
