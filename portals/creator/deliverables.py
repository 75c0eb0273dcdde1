"""A creator's deliverables over all brands: what is to do, sending it in, what became of it."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, MultipleFileField, TextAreaField
from wtforms.validators import Length, Optional

from app.core.errors import Invalid
from app.db.paging import AnyRow
from app.deliverables import queries, rules, service, submitting
from app.deliverables.states import STATUS_OF, TO_DO, DeliverableStatus, Lane
from app.identity.states import Portal
from portals.creator import bp
from portals.shared import deliverables as shared
from portals.shared.board import seen_version, version_of
from portals.web.db import db
from portals.web.htmx import done, page
from portals.web.status import badge_of
from portals.web.uploads import FilesForm

shared.mount(bp)
SHOWN = 12  # of each group
# What needs the creator comes first.
GROUPS = (Lane.REVISE, Lane.ASSIGNED, Lane.IN_PROGRESS, Lane.IN_REVIEW, Lane.APPROVED)


class SubmissionForm(FilesForm):
    links = TextAreaField(
        _l("Links"), [Optional(), Length(max=rules.MOST_LINKS * rules.LONGEST_LINK)],
        description=_l("One a line, starting with https://. Send at least one link or file."),
        render_kw={"rows": 3, "inputmode": "url"},
    )  # fmt: skip
    note = TextAreaField(_l("Note"), [Optional(), Length(max=rules.LONGEST_COMMENT)], render_kw={"rows": 3})
    files = MultipleFileField(_l("Files"))
    version = HiddenField()


def _extra(row: AnyRow) -> dict[str, Any]:
    form = SubmissionForm(formdata=None, data={"version": row.version})
    form.uploads = []
    return {"submission_form": form, "submittable": row.status in TO_DO}


shared.EXTRA[Portal.CREATOR] = _extra


@bp.get("/deliverables")
def deliverables() -> ResponseReturnValue:
    """Grouped by status, the next due first; `?view=list` and its filters show the list."""
    if request.args.get("view") == "list":
        return shared.listed()
    columns = queries.board(db(), shared.filtered())
    groups = []
    for lane in GROUPS:
        rows = columns[lane].cards
        if lane is not Lane.APPROVED:
            rows = sorted(rows, key=lambda row: (row.due_on or date.max, row.reference))
        everything = url_for(".deliverables", view="list", status=STATUS_OF[lane].value, **shared.chosen())
        groups.append((lane, badge_of("deliverable", lane), columns[lane].count, rows[:SHOWN], everything))
    return page(
        "creator/deliverables/index.html", fragment="creator/deliverables/_groups.html", groups=groups,
        tag_of=shared.tag_of, fee=queries.fee, **shared.filters(),
    )  # fmt: skip


@bp.post("/deliverables/<uuid:deliverable_id>/step")
def deliverable_step(deliverable_id: UUID) -> ResponseReturnValue:
    """Start, or take a submission back."""
    row, to = shared.row_of(deliverable_id), shared.wanted_status()
    if to is not DeliverableStatus.IN_PROGRESS:
        raise Invalid(_("Send it with a link or a file."))
    service.start(db(), g.actor, deliverable_id, version=seen_version())
    return done(back=url_for(".deliverable", deliverable_id=deliverable_id), toast=(_("In progress"), row.title))


@bp.post("/deliverables/<uuid:deliverable_id>/submissions")
def deliverable_submissions(deliverable_id: UUID) -> ResponseReturnValue:
    row, form = shared.row_of(deliverable_id), SubmissionForm()
    if form.accepts_with_files():
        with form.refusals():
            submitting.submit(
                db(), g.actor, deliverable_id, links=(form.links.data or "").splitlines(), note=form.note.data or "",
                kept=[(kept.inspected, kept.key) for kept in form.uploads], version=version_of(form.version.data),
            )  # fmt: skip
            return done(back=url_for(".deliverable", deliverable_id=deliverable_id), toast=(_("Sent in"), row.title))
    shown = shared.details(row, submission_form=form)
    return page(
        "creator/deliverables/deliverable.html", fragment="creator/deliverables/_submission.html", **shown
    )  # fmt: skip
