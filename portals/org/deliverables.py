"""Deliverables of the organization: the board, assigning, editing, reviewing, cancelling."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, HiddenField, MultipleFileField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from app.core.money import CURRENCIES
from app.core.scope import Permission
from app.db.paging import AnyRow
from app.deliverables import queries, rules, service, submitting
from app.deliverables.rules import DeliverableForm
from app.deliverables.states import Content, DeliverableStatus, Lane
from app.files import queries as files
from app.files.storage import StorageUnavailable
from app.identity.states import Portal
from portals.org import bp
from portals.shared import deliverables as shared
from portals.shared.board import MORE, seen_version, version_of
from portals.web import idempotency, paging, uploads
from portals.web.db import db
from portals.web.forms import BaseForm, MoneyField, OnceForm, TicksField
from portals.web.guards import require
from portals.web.htmx import Fragment, done, fragment, go, page, refused
from portals.web.uploads import FilesForm

shared.mount(bp)
S = DeliverableStatus
_LANES = ", ".join(lane.value for lane in Lane)


class BriefForm(FilesForm):
    """What the creator is to make; `creators` only for a new one."""

    creators = TicksField(
        _l("Creators"), [InputRequired(_l("Choose at least one creator."))], choices=lambda: _creators(),
        description=_l("Each of them gets a deliverable of their own."),
    )  # fmt: skip
    title = StringField(
        _l("Title"), [InputRequired(_l("Give the deliverable a title.")), Length(max=rules.LONGEST_TITLE)]
    )
    content = SelectField(_l("Kind"), choices=[(content.value, content.label) for content in Content])
    brief = TextAreaField(_l("Brief"), [Optional(), Length(max=rules.LONGEST_BRIEF)], render_kw={"rows": 6})
    due_on = DateField(_l("Due"), [Optional()])
    fee = MoneyField(_l("Fee"), [Optional()], currency_field="currency")
    currency = SelectField(_l("Currency"), choices=lambda: [(code, code) for code in sorted(CURRENCIES)])
    files = MultipleFileField(_l("Files of the brief"))
    version = HiddenField()

    def written(self) -> DeliverableForm:
        return DeliverableForm(
            self.title.data, Content(self.content.data), self.brief.data or "", self.due_on.data, self.fee.data
        )


class ReasonForm(BaseForm):
    reason = TextAreaField(
        _l("Reason"), [InputRequired(_l("Give a reason.")), Length(max=rules.LONGEST_COMMENT)],
        description=_l("The creator reads it."),
    )  # fmt: skip
    version = HiddenField()


class ApprovalForm(OnceForm):
    published_url = StringField(
        _l("Published at"), [Optional(), Length(max=rules.LONGEST_LINK)],
        description=_l("If it is out already. Either side can add it later."),
        render_kw={"type": "url", "inputmode": "url"},
    )  # fmt: skip
    version = HiddenField()


def _creators() -> list[tuple[str, str]]:
    """Those ticked before, and those found; `g.more_creators` says that there are too many to show all."""
    if "creators" not in g:
        search, most = request.form.get("find", "").strip()[:100], queries.MOST_CREATORS
        rows = list(queries.creators(db(), g.organization.id, search=search, limit=most + 1))
        g.more_creators = bool(search) or len(rows) > most
        ticked = [*request.form.getlist("creators", type=UUID), *request.args.getlist("creator", type=UUID)]
        missing = set(ticked[:most]) - {row.payee_id for row in rows[:most]}
        more = queries.creators(db(), g.organization.id, ids=list(missing)) if missing else []
        g.creators = [(str(row.payee_id), row.name) for row in (*more, *rows[:most])]
    found: list[tuple[str, str]] = g.creators
    return found


def _extra(row: AnyRow) -> dict[str, Any]:
    managing = g.actor.can(Permission.DELIVERABLE_MANAGE)
    return {"managing": managing, "editable": managing and rules.editable(row.status)}


shared.EXTRA[Portal.ORG] = _extra


@bp.get("/deliverables")
@require(Permission.DELIVERABLE_READ)
def deliverables() -> ResponseReturnValue:
    """The board; `?view=list` shows the list. Both with their filters."""
    if request.args.get("view") == "list":
        return shared.listed()
    return page("org/deliverables/index.html", fragment="org/deliverables/_board.html", **_board())


def _board() -> dict[str, Any]:
    return {"lanes": shared.board().lanes(queries.board(db(), shared.filtered())), **shared.filters()}


@bp.get(f"/deliverables/lanes/<any({_LANES}):lane>")
@require(Permission.DELIVERABLE_READ)
def deliverable_cards(lane: str) -> ResponseReturnValue:
    """Further cards of one lane: they take the place of the link that asked for them."""
    wanted, want = Lane(lane), paging.wanted(MORE)
    found = queries.lane(db(), shared.filtered(), wanted, want.cursor, want.limit)
    further = shared.board().further(wanted, found)
    home = (_("Deliverables"), url_for(".deliverables"))
    return page("shared/board/more.html", fragment="shared/board/_cards.html", lane=further, home=home)


@bp.post("/deliverables/<uuid:deliverable_id>/move")
@require(Permission.DELIVERABLE_MANAGE)
def deliverable_move(deliverable_id: UUID) -> ResponseReturnValue:
    """From the board or the card's menu. A move that owes money or needs words leads to its form.

    Whoever was slower gets the board as it is now.
    """
    row, to, seen = shared.row_of(deliverable_id), shared.wanted_status(), seen_version()
    try:
        if service.steppable(db(), g.actor, deliverable_id, to, seen) is not None:
            if to is S.REVISION_REQUESTED:
                return go(url_for(".deliverable_reason", deliverable_id=deliverable_id, noun="revision"))
            if to is S.CANCELLED:
                return go(url_for(".deliverable_reason", deliverable_id=deliverable_id, noun="cancellation"))
            if to is S.APPROVED and row.fee_minor is not None:
                return go(url_for(".deliverable_approval", deliverable_id=deliverable_id))
        service.move(db(), g.actor, deliverable_id, to, version=seen)
    except service.Moved as refusal:
        db().rollback()
        return refused(refusal, _fresh_board())
    row = shared.row_of(deliverable_id)
    context = {"card": shared.cards([row])[row.id]}
    piece = fragment("shared/board/_card.html", target=f"#card-{row.id}", **context)
    return done(piece, back=url_for(".deliverables", **shared.chosen()), toast=(row.status.label, row.title))


def _fresh_board() -> Fragment:
    return fragment("org/deliverables/_board.html", target="#deliverables", **_board())


@bp.route("/deliverables/new", methods=["GET", "POST"])
@require(Permission.DELIVERABLE_MANAGE)
def new_deliverable() -> ResponseReturnValue:
    asked = request.args.getlist("creator")
    form = BriefForm(creators=asked, currency=g.organization.currency)
    if "searching" in request.form:  # the same form again, with the creators whose names fit
        idempotency.release()
        form.receive()
    elif form.accepts_with_files():
        try:
            with form.refusals():
                return _assigned(form)
        except StorageUnavailable:
            form.files.errors = [_("The files could not be kept just now. Try again in a minute.")]
    return page(
        "org/deliverables/write.html", fragment="org/deliverables/_write.html", form=form, row=None,
        none=not _creators() and not g.more_creators, accept=shared.ACCEPT, searched=g.more_creators,
        find=request.form.get("find", ""),
    )  # fmt: skip


def _assigned(form: BriefForm) -> ResponseReturnValue:
    payee_ids = [UUID(text) for text in dict.fromkeys(form.creators.data)]
    rules.check_form(form.written().cleaned())
    sets = [form.uploads, *uploads.copies(form.uploads, min(len(payee_ids), rules.MOST_CREATORS) - 1)]
    made = service.assign(db(), g.actor, g.organization.id, payee_ids, form.written())
    for one, kept in zip(made, sets, strict=True):
        _add_files(one.id, kept)
    back = url_for(".deliverable", deliverable_id=made[0].id) if len(made) == 1 else url_for(".deliverables")
    return done(back=back, toast=(_("Assigned"), made[0].title))


def _add_files(deliverable_id: UUID, kept: list[uploads.Upload]) -> None:
    if kept:
        submitting.add_brief_files(db(), g.actor, deliverable_id, [(one.inspected, one.key) for one in kept])


@bp.route("/deliverables/<uuid:deliverable_id>/edit", methods=["GET", "POST"])
@require(Permission.DELIVERABLE_MANAGE)
def edit_deliverable(deliverable_id: UUID) -> ResponseReturnValue:
    row = shared.row_of(deliverable_id)
    form = BriefForm(
        title=row.title, content=row.content.value, brief=row.brief, due_on=row.due_on, fee=queries.fee(row),
        currency=row.currency or g.organization.currency, version=row.version,
    )  # fmt: skip
    del form.creators
    if form.accepts_with_files():
        with form.refusals():
            seen = version_of(form.version.data)
            service.edit(db(), g.actor, g.organization.id, deliverable_id, form.written(), version=seen)
            _add_files(deliverable_id, form.uploads)
            return done(back=url_for(".deliverable", deliverable_id=deliverable_id), toast=_("Changes saved"))
    return page(
        "org/deliverables/write.html", fragment="org/deliverables/_write.html", form=form, row=row, none=False,
        accept=shared.ACCEPT, attached=files.of_subject(db(), deliverable_id),
    )  # fmt: skip


@bp.post("/deliverables/<uuid:deliverable_id>/files/<uuid:file_id>/removal")
@require(Permission.DELIVERABLE_MANAGE)
def deliverable_file_removal(deliverable_id: UUID, file_id: UUID) -> ResponseReturnValue:
    """Take a file off the brief."""
    shared.row_of(deliverable_id)
    removed = submitting.remove_brief_file(db(), g.actor, deliverable_id, file_id)
    back = url_for(".edit_deliverable", deliverable_id=deliverable_id)
    return done(back=back, toast=(_("File removed"), removed.name))


@bp.route("/deliverables/<uuid:deliverable_id>/approval", methods=["GET", "POST"])
@require(Permission.DELIVERABLE_MANAGE)
def deliverable_approval(deliverable_id: UUID) -> ResponseReturnValue:
    """What is owed by it is said first."""
    row = shared.row_of(deliverable_id)
    form = ApprovalForm(version=row.version)
    if form.accepts():
        with form.refusals():
            service.approve(
                db(), g.actor, deliverable_id, version=version_of(form.version.data),
                published_url=form.published_url.data or "",
            )  # fmt: skip
            return done(back=url_for(".deliverable", deliverable_id=deliverable_id), toast=(_("Approved"), row.title))
    return page(
        "org/deliverables/approval.html", fragment="org/deliverables/_approval.html", form=form, row=row,
        fee=queries.fee(row),
    )  # fmt: skip


_NOUNS = {"revision": service.request_revision, "cancellation": service.cancel}


@bp.route("/deliverables/<uuid:deliverable_id>/<any(revision, cancellation):noun>", methods=["GET", "POST"])
@require(Permission.DELIVERABLE_MANAGE)
def deliverable_reason(deliverable_id: UUID, noun: str) -> ResponseReturnValue:
    """Give a submission back, or give the deliverable up: with words the creator reads."""
    row, form = shared.row_of(deliverable_id), ReasonForm()
    if not form.is_submitted():
        form.version.data = row.version
    if form.accepts():
        with form.refusals():
            _NOUNS[noun](db(), g.actor, deliverable_id, form.reason.data, version=version_of(form.version.data))
            words = {"revision": _("Revision requested"), "cancellation": _("Deliverable cancelled")}
            return done(back=url_for(".deliverable", deliverable_id=deliverable_id), toast=(words[noun], row.title))
    return page(
        "org/deliverables/reason.html", fragment="org/deliverables/_reason.html", form=form, row=row, noun=noun
    )  # fmt: skip


@bp.post("/deliverables/<uuid:deliverable_id>/reopening")
@require(Permission.DELIVERABLE_MANAGE)
def deliverable_reopening(deliverable_id: UUID) -> ResponseReturnValue:
    """A cancelled one is assigned again."""
    row = shared.row_of(deliverable_id)
    service.reopen(db(), g.actor, deliverable_id, version=seen_version())
    return done(back=url_for(".deliverable", deliverable_id=deliverable_id), toast=(_("Assigned again"), row.title))
