"""Deliverables as both sides see them: cards, the list, what one page shows, comments and the published address.

The creator and the organization mount these views and add their own; templates stand under `<portal>/deliverables/`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Blueprint, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.audit import queries as audit
from app.core.clock import today
from app.core.errors import Invalid
from app.core.scope import Permission
from app.db.paging import AnyRow
from app.deliverables import queries, rules, service
from app.deliverables.queries import Due, Wanted
from app.deliverables.states import LANE_OF, STATUS_OF, DeliverableStatus, Lane
from app.files import queries as files
from app.identity.states import Portal
from portals.shared.asking import one_of
from portals.shared.board import MORE, Board, Card, Tag
from portals.shared.payee import payers
from portals.shared.timeline import steps
from portals.web import paging
from portals.web.db import db
from portals.web.filters import date_text
from portals.web.forms import BaseForm
from portals.web.htmx import done, page
from portals.web.status import badge_of

ACCEPT = ".pdf,.png,.jpg,.jpeg,.webp,.csv,.txt,.xlsx,.docx"
# What a portal's own parts of a deliverable's page need besides `details`.
EXTRA: dict[Portal, Callable[[AnyRow], dict[str, Any]]] = {}
DUES = {
    Due.OVERDUE: _l("Overdue"),
    Due.WEEK: _l("Due in 7 days"),
    Due.LATER: _l("Due later"),
    Due.NONE: _l("Without a day"),
}
S = DeliverableStatus


class CommentForm(BaseForm):
    text = TextAreaField(
        _l("Comment"), [InputRequired(_l("Write something first.")), Length(max=rules.LONGEST_COMMENT)],
        render_kw={"rows": 3},
    )  # fmt: skip


class PublicationForm(BaseForm):
    published_url = StringField(
        _l("Published at"), [InputRequired(_l("Give the address.")), Length(max=rules.LONGEST_LINK)],
        render_kw={"type": "url", "inputmode": "url", "placeholder": "https://"},
    )  # fmt: skip


def of_organization() -> bool:
    return g.account.portal is Portal.ORG


def mine() -> Wanted:
    """Whose deliverables this request is about, unfiltered."""
    g.actor.require(Permission.DELIVERABLE_READ)
    if of_organization():
        return Wanted(organization_id=g.organization.id)
    return Wanted(payee_id=g.actor.payee_id)


def filtered() -> Wanted:
    """Narrowed as the address says: one creator or one brand, a due day, a status, words."""
    args, whose = request.args, mine()
    if of_organization():
        whose = replace(whose, payee_id=args.get("creator", type=UUID))
    else:
        brand = payers.chosen()
        whose = replace(whose, organization_id=brand.organization_id if brand else None)
    return replace(
        whose, due=one_of(Due, args, "due"), today=today(), status=one_of(DeliverableStatus, args, "status"),
        search=args.get("q", "").strip()[:100],
    )  # fmt: skip


def chosen(**more: Any) -> dict[str, Any]:
    """The filters of this address as parts of another."""
    kept = {name: request.args.get(name) for name in ("creator", "organization", "due", "q")}
    return {name: value for name, value in {**kept, **more}.items() if value}


def row_of(deliverable_id: UUID) -> AnyRow:
    """Raises NotFound for somebody else's."""
    return queries.detail(db(), mine(), deliverable_id)


def template(name: str) -> str:
    return f"{g.account.portal.value}/deliverables/{name}"


def board() -> Board:
    """How the organization's board is put together; filters stay as they are."""
    return Board(
        "deliverable", cards, queries.after,
        lambda lane, **more: url_for(".deliverable_cards", lane=lane, **chosen(**more)),
        lambda lane: url_for(".deliverables", view="list", status=STATUS_OF[Lane(lane)].value, **chosen()),
        frozenset({Lane.APPROVED}),
    )  # fmt: skip


def cards(rows: Sequence[AnyRow]) -> dict[UUID, Card]:
    """Cards by deliverable; one statement for the counts of all of them."""
    extras = queries.extras(db(), [row.id for row in rows])
    return {row.id: _card(row, *extras.get(row.id, (0, 0))) for row in rows}


def _card(row: AnyRow, file_count: int, comment_count: int) -> Card:
    may = of_organization() and g.actor.can(Permission.DELIVERABLE_MANAGE)
    open_to = rules.lanes_open_to(service.mover_of(g.actor), row.status) if may else []
    note = f"“{row.revision_note[:120]}”" if row.status is S.REVISION_REQUESTED and row.revision_note else ""
    return Card(
        row.id, f"{row.reference} · {row.content.label}", row.title, url_for(".deliverable", deliverable_id=row.id),
        url_for(".deliverable_move", deliverable_id=row.id, **chosen()) if open_to else "", queries.fee(row),
        tag_of(row), row.version, note or (row.payee_name if of_organization() else row.organization_name), file_count,
        comment_count, [(lane.value, badge_of("deliverable", lane), True, "") for lane in open_to],
    )  # fmt: skip


def tag_of(row: AnyRow) -> Tag | None:
    """What is to be known about a card at a glance."""
    match row.status:
        case S.SUBMITTED:
            return _("In review since %(day)s", day=date_text(row.moved_at)), "", "clock"
        case S.APPROVED:
            word = _("Published") if row.published_url else _("Approved %(day)s", day=date_text(row.moved_at))
            return word, "green" if row.published_url else "", "circle-check"
        case S.CANCELLED:
            return None
    if row.due_on is None:
        return None
    if rules.is_overdue(row.status, row.due_on, today()):
        return _("Overdue since %(day)s", day=date_text(row.due_on)), "red", "alert-circle"
    left = (row.due_on - today()).days
    tone = "red" if left <= 1 else "amber" if left <= 4 else ""
    return _("Due %(day)s", day=date_text(row.due_on)), tone, "alert-circle" if left <= 1 else "calendar"


def listed() -> ResponseReturnValue:
    """The list with its filters, `?view=list`."""
    want, wanted = paging.wanted(MORE), filtered()
    found = queries.deliverables(db(), wanted, want.cursor, want.limit)
    return page(
        template("list.html"),
        fragment="shared/deliverables/_list.html",
        found=found,
        wanted=wanted,
        statuses=[(status, LANE_OF[status].value if status in LANE_OF else status.value) for status in S],
        neighbours=paging.neighbours(found),
        fee=queries.fee,
        lane_of=queries.lane_of,
        **filters(),
    )


def filters() -> dict[str, Any]:
    """What the filters of board and list draw."""
    return {
        "dues": DUES,
        "due": one_of(Due, request.args, "due"),
        "chosen": chosen,
        "people": _people() if of_organization() else [],
        "brands": [] if of_organization() else [(payer.slug, payer.name) for payer in payers.mine()],
        "search": request.args.get("q", "").strip()[:100],
        "of_creators": of_organization(),
        "narrowed": request.args.get("creator") or request.args.get("organization") or "",
    }


def _people() -> list[tuple[str, str]]:
    """To choose from; with more than can be chosen from, their names are searched for."""
    rows = queries.creators(db(), g.organization.id, active=False, limit=queries.MOST_CREATORS + 1)
    return [(str(row.payee_id), row.name) for row in rows] if len(rows) <= queries.MOST_CREATORS else []


def details(row: AnyRow, **forms: Any) -> dict[str, Any]:
    """Everything the page of one deliverable shows; a form that was sent takes the place of its empty one."""
    sent = queries.submissions(db(), row.id)
    attached = files.of_subjects(db(), [row.id, *(one.id for one in sent)])
    events = audit.timeline(db(), row.id, leave_out=service.COMMENT)
    return {
        "row": row,
        "badge_lane": queries.lane_of(row),
        "fee": queries.fee(row),
        "tag": tag_of(row),
        "may": rules.moves(service.mover_of(g.actor), row.status),
        "attached": attached,
        "sent": sent,
        "comments": queries.comments(db(), row.id),
        "steps": steps(events, "deliverable_step"),
        "talking": g.actor.can(Permission.DELIVERABLE_MANAGE if of_organization() else Permission.DELIVERABLE_WORK),
        "comment_form": CommentForm(formdata=None),
        "publication_form": PublicationForm(formdata=None, data={"published_url": row.published_url}),
        "accept": ACCEPT,
        **EXTRA[g.account.portal](row),
        **forms,
    }


def wanted_status() -> DeliverableStatus:
    """`to` of a move: a lane or a status. Raises Invalid."""
    text = request.form.get("to", "")
    if text in set(Lane):
        return STATUS_OF[Lane(text)]
    if text in set(DeliverableStatus):
        return DeliverableStatus(text)
    raise Invalid(_("Say where the deliverable goes."))


def deliverable(deliverable_id: UUID) -> ResponseReturnValue:
    return page(template("deliverable.html"), **details(row_of(deliverable_id)))


def comments(deliverable_id: UUID) -> ResponseReturnValue:
    row, form = row_of(deliverable_id), CommentForm()
    if form.accepts():
        with form.refusals():
            service.comment(db(), g.actor, deliverable_id, form.text.data)
            return done(back=url_for(".deliverable", deliverable_id=deliverable_id), toast=_("Comment sent"))
    return page(
        template("deliverable.html"), fragment="shared/deliverables/_comment.html", **details(row, comment_form=form)
    )  # fmt: skip


def publication(deliverable_id: UUID) -> ResponseReturnValue:
    """Where the approved piece can be seen."""
    row, form = row_of(deliverable_id), PublicationForm()
    if form.accepts():
        with form.refusals():
            service.publish(db(), g.actor, deliverable_id, form.published_url.data)
            return done(back=url_for(".deliverable", deliverable_id=deliverable_id), toast=_("Saved"))
    shown = details(row, publication_form=form)
    return page(template("deliverable.html"), fragment="shared/deliverables/_publication.html", **shown)


def mount(bp: Blueprint) -> None:
    bp.get("/deliverables/<uuid:deliverable_id>", endpoint="deliverable")(deliverable)
    bp.post("/deliverables/<uuid:deliverable_id>/comments", endpoint="deliverable_comments")(comments)
    bp.post("/deliverables/<uuid:deliverable_id>/publication", endpoint="deliverable_publication")(publication)
