"""Projects as both sides see them: cards of the board, the list, the card's page with its comments and files.

Portals mount these views and add their own; templates stand under `<portal>/projects/`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import MultipleFileField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.audit import queries as audit
from app.core.clock import today
from app.core.errors import Invalid
from app.core.money import Money
from app.core.scope import Permission
from app.db.paging import AnyRow
from app.files import queries as files
from app.files import service as file_service
from app.files.models import FilePurpose
from app.identity.states import Portal
from app.projects import queries, rules, service
from app.projects.queries import Whose
from app.projects.states import OPEN, TARGET_OF, ProjectStatus, Stage
from portals.shared.asking import one_of
from portals.shared.board import MORE, Board, Card, Lane, Tag
from portals.shared.timeline import steps
from portals.web import paging
from portals.web.db import db
from portals.web.filters import date_text
from portals.web.forms import BaseForm
from portals.web.htmx import done, page
from portals.web.status import badge_of
from portals.web.uploads import FilesForm

ACCEPT = ".pdf,.png,.jpg,.jpeg,.webp,.csv,.txt,.xlsx,.docx"
# What a portal's own parts of a project's page need besides `details`.
EXTRA: dict[Portal, Callable[[AnyRow], dict[str, Any]]] = {}
S = ProjectStatus


class CommentForm(BaseForm):
    text = TextAreaField(
        _l("Comment"), [InputRequired(_l("Write something first.")), Length(max=rules.LONGEST_COMMENT)],
        render_kw={"rows": 3},
    )  # fmt: skip


class ProjectFilesForm(FilesForm):
    files = MultipleFileField(_l("Add files"))


def whose() -> Whose:
    """Whose projects this request is about."""
    g.actor.require(Permission.PROJECT_READ)
    if g.account.portal is Portal.ORG:
        return Whose(organization_id=g.organization.id)
    return Whose(payee_id=g.actor.payee_id)


def row_of(project_id: UUID) -> AnyRow:
    """Raises NotFound for somebody else's."""
    return queries.detail(db(), whose(), project_id)


def template(name: str) -> str:
    return f"{g.account.portal.value}/projects/{name}"


def board() -> Board:
    """How the project board is put together."""
    return Board(
        "project", cards, queries.after,
        lambda stage, **more: url_for(".project_cards", stage=stage, **more),
        lambda stage: url_for(".projects", view="list", stage=stage),
        frozenset({Stage.APPROVED, Stage.PAYOUT}),
    )  # fmt: skip


def lanes() -> list[Lane]:
    """The board in three statements."""
    return board().lanes(queries.board(db(), whose()))


def cards(rows: Sequence[AnyRow]) -> dict[UUID, Card]:
    """Cards by project; one statement for the counts of all of them."""
    extras = queries.extras(db(), [row.id for row in rows])
    return {row.id: _card(row, *extras.get(row.id, (0, 0))) for row in rows}


def _card(row: AnyRow, file_count: int, comment_count: int) -> Card:
    draggable = g.account.portal is not Portal.ORG and row.cancelled_at is None
    open_to = rules.stages_open_to(service.mover_of(g.actor), queries.status(row)) if draggable else []
    note = f"“{row.revision_note[:120]}”" if row.live == S.REVISION_REQUESTED and row.revision_note else ""
    return Card(
        row.id, row.reference, row.title, url_for(".project", project_id=row.id),
        url_for("contractor.project_move", project_id=row.id) if open_to else "", queries.amount(row), tag_of(row),
        row.version, note or (row.payee_name if g.account.portal is Portal.ORG else ""), file_count, comment_count,
        [(stage.value, badge_of("project", stage), True, "") for stage in open_to],
    )  # fmt: skip


def tag_of(row: AnyRow) -> Tag | None:
    """What is to be known about a card at a glance."""
    match queries.status(row):
        case S.SUBMITTED:
            return _("In review since %(day)s", day=date_text(row.moved_at)), "", "clock"
        case S.APPROVED:
            return _tag_of_approved(row)
        case S.PAYOUT_READY:
            return _("Can be withdrawn"), "green", "wallet"
        case S.WITHDRAWAL_REQUESTED:
            return _("Payout requested"), "amber", "clock"
        case S.PAYOUT_APPROVED:
            if row.payout_status == "paid":
                return _("Paid %(day)s", day=date_text(row.paid_at)), "green", "circle-check"
            if row.expected_on:
                return _("Arrives %(day)s", day=date_text(row.expected_on)), "blue", "circle-arrow-right"
            return _("On its way"), "blue", "circle-arrow-right"
    return _tag_of_due(row)


def _tag_of_approved(row: AnyRow) -> Tag:
    if row.available_at:
        return _("Payable from %(day)s", day=date_text(row.available_at)), "violet", "clock"
    if row.by_invoice and row.request_status in (None, "cancelled"):
        return _("Waits for the invoice"), "amber", "receipt"
    if row.by_invoice and row.request_status != "approved":
        return _("Invoice: %(state)s", state=badge_of("request", row.request_status).word), "", "receipt"
    return _("Approved %(day)s", day=date_text(row.moved_at)), "", "circle-check"


def _tag_of_due(row: AnyRow) -> Tag | None:
    if row.due_on is not None:
        left = (row.due_on - today()).days
        if left < 0:
            return _("Overdue since %(day)s", day=date_text(row.due_on)), "red", "alert-circle"
        tone = "red" if left <= 1 else "amber" if left <= 4 else ""
        return _("Due %(day)s", day=date_text(row.due_on)), tone, "alert-circle" if left <= 1 else "calendar"
    if row.live == S.PENDING_CONTRACTOR:
        return _("New"), "amber", "clock"
    return None


def projects() -> ResponseReturnValue:
    """The board; `?view=list` and the filters of the list show the list."""
    args, want = request.args, paging.wanted(MORE)
    stage, search = one_of(Stage, args, "stage"), args.get("q", "").strip()[:100]
    if args.get("view") != "list":
        return page(template("index.html"), lanes=lanes())
    gone = args.get("state") == "cancelled"
    found = queries.projects(
        db(), whose(), stage=stage, cancelled=gone, search=search, cursor=want.cursor, limit=want.limit
    )
    return page(
        template("list.html"),
        fragment="shared/projects/_list.html",
        found=found,
        stage=stage,
        stages=list(Stage),
        search=search,
        gone=gone,
        neighbours=paging.neighbours(found),
        amount=queries.amount,
        tag_of=tag_of,
        badge_stage=lambda row: "cancelled" if row.cancelled_at else row.stage,
    )


def more_cards(stage: str) -> ResponseReturnValue:
    """Further cards of one column: they take the place of the link that asked for them."""
    wanted, want = Stage(stage), paging.wanted(MORE)
    home = (_("Projects"), url_for(".projects"))
    lane = board().further(wanted, queries.lane(db(), whose(), wanted, want.cursor, want.limit))
    return page("shared/board/more.html", fragment="shared/board/_cards.html", lane=lane, home=home)


def wanted_status() -> ProjectStatus:
    """`to` of a move: a column or a status. Raises Invalid."""
    text = request.form.get("to", "")
    if text in set(Stage):
        return TARGET_OF[Stage(text)]
    if text in set(ProjectStatus):
        return ProjectStatus(text)
    raise Invalid(_("Say where the project goes."))


def details(row: AnyRow, **forms: Any) -> dict[str, Any]:
    """Everything the page of one project shows; a form that was sent takes the place of its empty one."""
    events = audit.timeline(db(), row.id)
    return {
        "row": row,
        "standing": queries.status(row),
        "badge_stage": "cancelled" if row.cancelled_at else row.stage,
        "amount": queries.amount(row),
        "rate": Money(row.rate_minor, row.currency),
        "tag": tag_of(row) if row.cancelled_at is None else None,
        "closed": row.cancelled_at is not None or queries.status(row) not in OPEN,
        "may": [] if row.cancelled_at else sorted(rules.moves(service.mover_of(g.actor), queries.status(row))),
        "attached": files.of_subject(db(), row.id),
        "comments": queries.comments(db(), row.id),
        "hours": queries.hours(db(), row.id) if row.rate_kind == "hourly" else [],
        "steps": steps(events, "project_step"),
        "comment_form": CommentForm(formdata=None),
        "files_form": ProjectFilesForm(formdata=None),
        "accept": ACCEPT,
        **(EXTRA[g.account.portal](row) if g.account.portal in EXTRA else {}),
        **forms,
    }


def comments(project_id: UUID) -> ResponseReturnValue:
    row, form = row_of(project_id), CommentForm()
    if form.accepts():
        with form.refusals():
            service.comment(db(), g.actor, project_id, form.text.data)
            return done(back=url_for(".project", project_id=project_id), toast=_("Comment sent"))
    return page(
        template("project.html"), fragment="shared/projects/_comment.html", **details(row, comment_form=form)
    )  # fmt: skip


def upload(project_id: UUID) -> ResponseReturnValue:
    row, form = row_of(project_id), ProjectFilesForm()
    g.actor.require(Permission.PROJECT_WORK if g.actor.payee_id else Permission.PROJECT_MANAGE)
    if form.accepts_with_files():
        if not form.uploads:
            form.files.errors = [_("Choose a file.")]
        with form.refusals():
            for kept in form.uploads:
                file_service.add(
                    db(), g.actor, kept.inspected, kept.key, organization_id=row.organization_id,
                    payee_id=row.payee_id, purpose=FilePurpose.ATTACHMENT, subject_id=project_id,
                )  # fmt: skip
            if form.uploads:
                return done(back=url_for(".project", project_id=project_id), toast=_("Files added"))
    return page(template("project.html"), fragment="shared/projects/_upload.html", **details(row, files_form=form))


def mount(bp: Blueprint) -> None:
    stages = ", ".join(stage.value for stage in Stage)
    bp.get("/projects")(projects)
    bp.get(f"/projects/columns/<any({stages}):stage>", endpoint="project_cards")(more_cards)
    bp.post("/projects/<uuid:project_id>/comments", endpoint="project_comments")(comments)
    bp.post("/projects/<uuid:project_id>/files", endpoint="project_files")(upload)
