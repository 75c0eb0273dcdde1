"""What jobs noticed about money: payouts that are late, balances of providers that differ from the books."""

from __future__ import annotations

from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from app.rails import registry
from app.reconciliation import statement_queries, watch
from app.reconciliation.states import ItemKind
from portals.admin import bp
from portals.web import paging
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.htmx import done, page

KINDS = {
    ItemKind.STUCK: _l("Late payout"),
    ItemKind.CONTRADICTION: _l("Rail took back its word"),
    ItemKind.BALANCE: _l("Balance differs"),
}


class SettledForm(OnceForm):
    note = TextAreaField(
        _l("How it was settled"), [InputRequired(_l("Say how it was settled.")), Length(max=500)],
        description=_l("It comes back by itself if it is still so."), render_kw={"rows": 3},
    )  # fmt: skip


@bp.get("/watch-list")
def watch_list() -> ResponseReturnValue:
    want, over = paging.wanted(), request.args.get("view") == "over"
    found = watch.items(db(), open_only=not over, cursor=want.cursor, limit=want.limit)
    return page(
        "admin/reconciliation/watch.html",
        fragment="admin/reconciliation/_watch.html",
        found=found,
        neighbours=paging.neighbours(found),
        over=over,
        kinds=KINDS,
        rails={name: rail.label for name, rail in registry.RAILS.items()},
        checks=statement_queries.last_checks(db()),
    )


@bp.route("/watch-list/<uuid:item_id>/closing", methods=["GET", "POST"])
def item_closing(item_id: UUID) -> ResponseReturnValue:
    form, found = SettledForm(), watch.find(db(), item_id)
    if form.accepts():
        with form.refusals():
            watch.close(db(), g.actor, item_id, form.note.data or "")
            return done(back=url_for(".watch_list"), toast=_("Taken off the watch list"))
    return page(
        "admin/reconciliation/closing.html", fragment="admin/reconciliation/_closing.html", form=form, found=found
    )
