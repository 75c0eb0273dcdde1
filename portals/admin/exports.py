"""Bank files and runs of checks: released by a second person, taken to the bank or printed, settled by its answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from flask import Response, g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf.file import FileField, FileRequired
from wtforms import RadioField, SelectField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.audit import queries as history
from app.audit.models import Audience
from app.core.errors import Conflict, Invalid, NotFound
from app.core.money import Money
from app.payouts import answering, checks, documents, files, queries, review
from app.payouts import exports as service
from app.payouts.service import Outcome
from app.payouts.states import ExportStatus
from app.pdf import render
from app.rails import formats, registry
from app.rails.check import CheckStatus
from app.rails.formats import FileFormat
from portals.admin import asking, bp
from portals.shared.documents import pdf
from portals.shared.timeline import steps
from portals.web import paging
from portals.web.db import db
from portals.web.forms import BaseForm, OnceForm
from portals.web.guards import step_up_required
from portals.web.htmx import Toast, done, page

SHOWN_FAULTS = 50


@bp.get("/exports")
def exports() -> ResponseReturnValue:
    want = paging.wanted(25)
    found = queries.exports(db(), cursor=want.cursor, limit=want.limit)
    return page(
        "admin/exports/index.html",
        fragment="admin/exports/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        rail_of=registry.rail,
    )


def one(export_id: UUID) -> Any:
    row = queries.export(db(), export_id)
    if row is None:
        raise NotFound(_("There is no such export."))
    return row


@bp.get("/exports/<uuid:export_id>")
def export(export_id: UUID) -> ResponseReturnValue:
    return page("admin/exports/export.html", fragment="admin/exports/_lines.html", **_shown(export_id))


def _shown(export_id: UUID) -> dict[str, Any]:
    row, want = one(export_id), paging.wanted()
    remarks = row.remarks or {}
    found = review.export_lines(db(), export_id, want.cursor, want.limit)
    return {
        "export": row,
        "total": Money(row.total_minor, row.currency),
        "rail": registry.rail(row.rail),
        "lines": found.items,
        "neighbours": paging.neighbours(found),
        "check_status": lambda line: checks.status_of(line.attempt_status, line.error_code, line.evidence),
        "steps": steps(history.timeline(db(), export_id, Audience.PLATFORM), "export"),
        "released": row.status is ExportStatus.RELEASED,
        "why_not_release": service.why_not_release(row, g.actor),
        "execute_on": date.fromisoformat(remarks["execute_on"]) if "execute_on" in remarks else None,
        "format_label": formats.SPECS[row.format].label if row.format else "",
        "offers": files.offers(db(), row) if row.rail == "bank_file" and row.status is ExportStatus.READY else (),
        "parts": range(1, -(-row.line_count // documents.CHECKS_PER_FILE) + 1) if row.rail == "check" else (),
        "per_part": documents.CHECKS_PER_FILE,
        "answer": AnswerForm(),
    }


@bp.post("/exports/<uuid:export_id>/release")
@step_up_required
def export_release(export_id: UUID) -> ResponseReturnValue:
    made = service.release(db(), g.actor, export_id)
    text = _("Print the checks and mail them.") if made.rail == "check" else _("Download it and take it to the bank.")
    back = url_for(".export", export_id=export_id)
    return done(back=back, toast=(_("%(number)s released", number=made.number), text))


class FormatForm(BaseForm):
    """Chosen again it changes nothing, so it needs no key."""

    format = SelectField(choices=[(one.value, spec.label) for one, spec in formats.SPECS.items()])


@bp.post("/exports/<uuid:export_id>/format")
@step_up_required
def export_format(export_id: UUID) -> ResponseReturnValue:
    """Another kind of file from the same frozen lines, before the release."""
    form = FormatForm()
    if not form.accepts():
        raise Invalid(_("Choose one of the formats."), fields={"format": _("Choose one of the formats.")})
    made = service.choose_format(db(), g.actor, export_id, FileFormat(form.format.data))
    label = formats.SPECS[FileFormat(form.format.data)].label
    text = _("Somebody else has to release it. Its SHA-256 is another one now.")
    return done(
        back=url_for(".export", export_id=export_id),
        toast=(_("%(number)s is %(format)s now", number=made.number, format=label), text),
    )


class VoidForm(OnceForm):
    reason = TextAreaField(_l("Reason"), [InputRequired(_l("Say why.")), Length(max=500)])


@bp.route("/exports/<uuid:export_id>/void", methods=["GET", "POST"])
def export_void(export_id: UUID) -> ResponseReturnValue:
    form = VoidForm()
    if form.accepts():
        made = service.void(db(), g.actor, export_id, form.reason.data or "")
        text = _("Its payouts failed with your reason and can be tried again.")
        back = url_for(".export", export_id=export_id)
        return done(back=back, toast=(_("%(number)s is void", number=made.number), text))
    return page("admin/exports/void.html", fragment="admin/exports/_void.html", form=form, export=one(export_id))


@bp.post("/exports/<uuid:export_id>/file")
@step_up_required
def export_file(export_id: UUID) -> ResponseReturnValue:
    """The bank file with full destinations. A POST, because each download is written to the audit trail."""
    made, content = service.download(db(), g.actor, export_id)
    spec = formats.SPECS[made.format or FileFormat.CSV]
    return _download(content, spec.content_type, f"{made.number}.{spec.suffix}")


def _download(content: bytes, content_type: str, name: str) -> Response:
    answer = Response(content, content_type=content_type)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/exports/<uuid:export_id>/checks/<int:part>")
@step_up_required
def export_checks(export_id: UUID, part: int) -> ResponseReturnValue:
    """Some checks of the run with their letters, as one PDF to print; audited like a download."""
    made, lines = service.open_lines(db(), g.actor, export_id, "printed")
    if made.rail != "check" or made.released_at is None:
        raise Conflict(_("This export has no checks."))
    papers = documents.checks(db(), lines, made.released_at, part, g.locale)
    return pdf(papers, render.render_checks, f"{made.number}-{part}")


class AnswerForm(BaseForm):
    """A confirmation or return file of the bank; it cannot count twice, so it needs no key."""

    file = FileField(_l("The bank’s answer"), [FileRequired(_l("Choose the bank’s file."))])


@bp.post("/exports/<uuid:export_id>/answer")
@step_up_required
def export_answer(export_id: UUID) -> ResponseReturnValue:
    """All of the file is applied, or nothing and every bad line is named."""
    form, faults = AnswerForm(), list[tuple[str, str]]()
    if form.accepts():
        try:
            result = answering.answer(db(), g.actor, export_id, form.file.data.read())
        except Invalid as refusal:
            faults = list(refusal.fields.items())
            form.form_errors.append(refusal.message)
        else:
            return done(back=url_for(".export", export_id=export_id), toast=_answered(result))
    context = {
        "form": form,
        "export": one(export_id),
        "faults": faults[:SHOWN_FAULTS],
        "more": len(faults) - SHOWN_FAULTS,
    }
    return page("admin/exports/answer.html", fragment="admin/exports/_answer.html", **context)


def _answered(result: answering.Answered) -> Toast:
    said = _(
        "%(paid)s paid, %(failed)s failed, %(returned)s returned, %(same)s known before.",
        paid=result.paid,
        failed=result.failed,
        returned=result.returned,
        same=result.unchanged,
    )
    if result.changes:
        said += " " + ngettext(
            "The bank knows better details of %(num)s account.",
            "The bank knows better details of %(num)s accounts.",
            result.changes,
        )
    return Toast(_("The bank’s answer is applied"), said)


@bp.route("/exports/answer", methods=["GET", "POST"])
@step_up_required
def exports_answer() -> ResponseReturnValue:
    """A file about any number of exports, found by the references in it."""
    form, faults = AnswerForm(), list[tuple[str, str]]()
    if form.accepts():
        try:
            result = answering.answer_all(db(), g.actor, form.file.data.read())
        except Invalid as refusal:
            faults = list(refusal.fields.items())
            form.form_errors.append(refusal.message)
        else:
            return done(back=url_for(".exports"), toast=_answered(result))
    return page(
        "admin/exports/answer.html", fragment="admin/exports/_answer.html", form=form, export=None,
        faults=faults[:SHOWN_FAULTS], more=len(faults) - SHOWN_FAULTS,
    )  # fmt: skip


class FateForm(OnceForm):
    """What became of checks."""

    status = RadioField(
        _l("What happened"),
        [InputRequired(_l("Say what happened."))],
        choices=[
            ("mailed", _l("Mailed")),
            ("cleared", _l("Cleared: it is on the bank statement")),
            ("void", _l("Void: spoilt or never mailed")),
            ("stopped", _l("Stopped at the bank")),
        ],
    )
    note = TextAreaField(
        _l("How you know"), [Length(max=500)], description=_l("Needed for everything but mailing. Kept as evidence.")
    )


@bp.route("/exports/<uuid:export_id>/checks", methods=["GET", "POST"])
@step_up_required
def export_fates(export_id: UUID) -> ResponseReturnValue:
    """Say what became of the ticked checks (`id`: payouts)."""
    ids, form = asking.chosen_ids(), FateForm()
    if form.accepts():
        with form.refusals():
            fate = CheckStatus(form.status.data)
            outcomes = checks.mark(db(), g.actor, export_id, ids, fate, form.note.data or "")
            return _fated(export_id, outcomes)
    return page(
        "admin/exports/fates.html",
        fragment="admin/exports/_fates.html",
        form=form,
        export=one(export_id),
        ids=ids,
    )


def _fated(export_id: UUID, outcomes: Sequence[Outcome]) -> ResponseReturnValue:
    refusals = [outcome for outcome in outcomes if outcome.refused]
    back = url_for(".export", export_id=export_id)
    if len(refusals) == len(outcomes):
        raise Conflict(refusals[0].refused or "")
    title = ngettext("%(num)s check recorded", "%(num)s checks recorded", len(outcomes) - len(refusals))
    if not refusals:
        return done(back=back, toast=title)
    lines = {line.id: line for line in _lines_of(outcomes)}
    named = [(lines.get(outcome.payout_id), outcome.refused) for outcome in refusals]
    return page("admin/payouts/outcome.html", notice=Toast(title), refusals=named, back=back)


def _lines_of(outcomes: Sequence[Outcome]) -> list[review.ReviewLine]:
    rows = queries.payouts_by_id(db(), [outcome.payout_id for outcome in outcomes])
    return review.lines(db(), rows, g.actor.account_id)
