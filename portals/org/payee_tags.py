"""What the organization keeps about its payees for itself: tags and notes. The payee sees neither."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.core.scope import Permission
from app.payees import notes, queries, tags
from portals.org import asking, bp
from portals.web import paging
from portals.web.db import db
from portals.web.filters import number
from portals.web.forms import BaseForm
from portals.web.guards import require
from portals.web.htmx import done, go, is_htmx, page

LONGEST_TYPED = 1_000


class TagsForm(BaseForm):
    tags = StringField(
        _l("Tags"),
        [Length(max=LONGEST_TYPED)],
        description=_l("Separated by commas, for example: vip, north west. Only your organization sees them."),
    )


class BulkTagsForm(TagsForm):
    change = RadioField(_l("What to do"), choices=[("add", _l("Add these tags")), ("remove", _l("Remove these tags"))])


class NoteForm(BaseForm):
    text = TextAreaField(
        _l("Note"),
        [InputRequired(_l("Write the note first.")), Length(max=notes.LONGEST_NOTE)],
        description=_l("Only members of your organization read it. It cannot be changed afterwards."),
    )


@bp.route("/payees/<uuid:payee_id>/tags", methods=["GET", "POST"])
@require(Permission.PAYEE_MANAGE)
def payee_tags(payee_id: UUID) -> ResponseReturnValue:
    """The tags of one payee, all of them in one field."""
    row = queries.detail(db(), g.organization.id, payee_id)
    have = tags.of_payees(db(), g.organization.id, [payee_id]).get(payee_id, [])
    form = TagsForm(tags=", ".join(have))
    if form.accepts():
        with form.refusals():
            tags.replace(db(), g.actor, g.organization.id, payee_id, tags.read_tags(form.tags.data or ""))
            return done(back=url_for(".payee", payee_id=payee_id), toast=(_("Tags saved"), row.name))
    return page("org/payees/tags.html", fragment="org/payees/_tags_form.html", form=form, row=row)


@bp.route("/payees/tags", methods=["GET", "POST"])
@require(Permission.PAYEE_MANAGE)
def bulk_tags() -> ResponseReturnValue:
    """Add tags to the ticked payees, or take them off."""
    ids, form = asking.chosen_ids(), BulkTagsForm(change="add")
    if form.accepts():
        with form.refusals():
            wanted = tags.read_tags(form.tags.data or "")
            change = tags.remove if form.change.data == "remove" else tags.add
            change(db(), g.actor, g.organization.id, ids, wanted)
            title = ngettext("%(n)s payee changed", "%(n)s payees changed", len(ids), n=number(len(ids)))
            back = url_for(".payees", tag=wanted[0]) if form.change.data == "add" else url_for(".payees")
            return _told(back, (title, ", ".join(wanted)))
    context: dict[str, Any] = {"form": form, "ids": ids, "known": [tag for tag, _n in _in_use()]}
    return page("org/payees/bulk_tags.html", fragment="org/payees/_bulk_tags.html", **context)


def _told(back: str, toast: tuple[str, str]) -> ResponseReturnValue:
    return go(back) if is_htmx() else done(back=back, toast=toast)


def _in_use() -> list[tuple[str, int]]:
    return tags.in_use(db(), g.organization.id)


@bp.route("/payees/<uuid:payee_id>/notes", methods=["GET", "POST"])
@require(Permission.PAYEE_READ)
def payee_notes(payee_id: UUID) -> ResponseReturnValue:
    """All notes on a payee; who may manage payees adds one."""
    row = queries.detail(db(), g.organization.id, payee_id)
    form, want = NoteForm(), paging.wanted(25)
    if form.accepts():
        with form.refusals():
            notes.add(db(), g.actor, g.organization.id, payee_id, form.text.data or "")
            return done(back=url_for(".payee_notes", payee_id=payee_id), toast=_("Note kept"))
    found = notes.notes(db(), g.organization.id, payee_id, want.cursor, want.limit)
    return page(
        "org/payees/notes.html",
        fragment="org/payees/_notes.html",
        form=form,
        row=row,
        found=found,
        neighbours=paging.neighbours(found),
    )
