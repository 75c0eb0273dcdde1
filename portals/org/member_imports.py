"""Members from a file: upload, see what would come of it, invite. A job writes the mails; a bar shows how far it is."""

from __future__ import annotations

import hashlib
from uuid import UUID

from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField

from app.core.errors import Conflict
from app.core.scope import Permission
from app.db.uploads import listing
from app.organizations import member_imports, member_queries
from app.organizations.invitation_models import MemberImport
from app.organizations.member_files import MAX_ROWS
from app.organizations.states import InviteeOutcome, MemberImportStatus, Role
from portals.org import asking, bp, uploads
from portals.org.members import RoleForm
from portals.web import htmx, paging
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.guards import require, step_up_required
from portals.web.htmx import done, page

LABELS = {
    InviteeOutcome.INVITED: _l("Invited"),
    InviteeOutcome.KNOWN: _l("There already"),
    InviteeOutcome.REFUSED: _l("Not invited"),
    InviteeOutcome.WAITING: _l("Waiting"),
}


class MemberUploadForm(RoleForm):
    file = FileField(_l("File with people"))


class ConfirmMembersForm(BaseForm):
    skip_bad = BooleanField(_l("Leave the faulty lines out and invite the others"))


@bp.get("/members/imports")
@require(Permission.MEMBER_MANAGE)
def member_import_files() -> ResponseReturnValue:
    want = paging.wanted(25)
    found = listing(db(), MemberImport, g.organization.id, want.cursor, want.limit)
    return page(
        "org/members/imports.html",
        fragment="org/members/_imports.html",
        found=found,
        neighbours=paging.neighbours(found),
    )


@bp.route("/members/imports/new", methods=["GET", "POST"])
@require(Permission.MEMBER_MANAGE)
def new_member_import() -> ResponseReturnValue:
    """What cannot be read at all is refused here; of the rest the lines are kept, not the file."""
    form = MemberUploadForm(role=Role.LEARNER)
    form.offer()
    if form.accepts():
        with uploads.refusals(form):
            name, body = uploads.received(request.files.get("file"))
            lines = member_imports.read(g.actor, g.organization.id, body, form.role.data)
            made = member_imports.keep(
                db(), g.actor, g.organization.id, name=name, sha256=hashlib.sha256(body).hexdigest(), lines=lines
            )
            return done(back=url_for(".member_import", member_import_id=made.id))
    return page(
        "org/members/upload.html",
        fragment="org/members/_upload.html",
        form=form,
        most_megabytes=uploads.MOST_MEGABYTES,
        most_rows=MAX_ROWS,
    )


def _record(member_import_id: UUID) -> MemberImport:
    """Raises NotFound."""
    return member_queries.find_import(db(), g.organization.id, member_import_id)


@bp.get("/members/imports/<uuid:member_import_id>")
@require(Permission.MEMBER_MANAGE)
def member_import(member_import_id: UUID) -> ResponseReturnValue:
    """The preview; while the job runs, how far it is; then what came of each line."""
    record = _record(member_import_id)
    if record.status is MemberImportStatus.UPLOADED:
        return _shown(record, ConfirmMembersForm())
    polls = request.args.get("progress") is not None
    if polls and record.status is not MemberImportStatus.RUNNING:
        return htmx.go(url_for(".member_import", member_import_id=member_import_id))  # the head changes too
    return _shown(record, None, fragment="org/members/_progress.html" if polls else "org/members/_lines.html")


def _shown(
    record: MemberImport, form: ConfirmMembersForm | None, fragment: str = "org/members/_lines.html"
) -> ResponseReturnValue:
    want, outcome = paging.wanted(), asking.one_of(InviteeOutcome, request.args, "outcome")
    rows = member_imports.lines(db(), record.id, outcome=outcome, cursor=want.cursor, limit=want.limit)
    return page(
        "org/members/import.html" if form is None else "org/members/preview.html",
        fragment="org/members/_preview.html" if form is not None and request.method == "POST" else fragment,
        form=form,
        record=record,
        preview=member_imports.preview(db(), g.actor, record) if form is not None else None,
        counts=member_imports.counts(db(), record.id),
        labels=LABELS,
        outcome=outcome,
        rows=rows,
        role_labels={role.value: role.label for role in Role},
        neighbours=paging.neighbours(rows),
    )


@bp.post("/members/imports/<uuid:member_import_id>/confirmation")
@require(Permission.MEMBER_MANAGE)
@step_up_required
def member_import_confirmation(member_import_id: UUID) -> ResponseReturnValue:
    """Everybody, or all but the faulty lines when that was ticked; a job asks them."""
    record, form = _record(member_import_id), ConfirmMembersForm()
    back = url_for(".member_import", member_import_id=member_import_id)
    if record.status is not MemberImportStatus.UPLOADED:
        return done(back=back, toast=_("This file is taken up already"))
    if form.accepts():
        try:
            with form.refusals():
                member_imports.confirm(
                    db(), g.actor, g.organization.id, member_import_id, skip_bad=bool(form.skip_bad.data)
                )
                return done(back=back)
        except Conflict as twice:  # two clicks at the same moment
            return done(back=back, toast=twice.message)
    return _shown(record, form)


@bp.get("/members/imports/<uuid:member_import_id>/refused.csv")
@require(Permission.MEMBER_MANAGE)
def member_import_refused(member_import_id: UUID) -> ResponseReturnValue:
    """The faulty lines with what is wrong, to mend and upload again."""
    record = _record(member_import_id)
    answer = Response(member_imports.refused_csv(db(), record.id), content_type="text/csv; charset=utf-8")
    name = record.file_name.rpartition(".")[0] or record.file_name
    answer.headers.set("Content-Disposition", "attachment", filename=f"{name}-to-mend.csv")
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/members/imports/<uuid:member_import_id>/removal")
@require(Permission.MEMBER_MANAGE)
def member_import_removal(member_import_id: UUID) -> ResponseReturnValue:
    member_imports.discard(db(), g.actor, g.organization.id, member_import_id)
    return done(back=url_for(".member_import_files"), toast=_("The upload is gone; nobody was invited from it"))
