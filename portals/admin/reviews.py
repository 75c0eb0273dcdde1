"""Reviews of all consultants: what is not fit to be read is hidden, with a reason, and can be shown again."""

from __future__ import annotations

from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from app.consultations import reviews as service
from app.consultations.privacy import LONGEST_REASON
from portals.admin import bp
from portals.web import paging
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.htmx import done, page


class HideForm(BaseForm):
    reason = TextAreaField(
        _l("Reason"), [InputRequired(_l("Say why.")), Length(max=LONGEST_REASON)],
        description=_l("The consultant reads it. Name the client by the first name at most."), render_kw={"rows": 3},
    )  # fmt: skip


@bp.get("/reviews")
def reviews() -> ResponseReturnValue:
    want = paging.wanted(25)
    found = service.everything(db(), want.cursor, want.limit)
    return page(
        "admin/reviews/index.html", fragment="admin/reviews/_list.html", found=found,
        neighbours=paging.neighbours(found),
    )  # fmt: skip


@bp.route("/reviews/<uuid:review_id>/hiding", methods=["GET", "POST"])
def review_hiding(review_id: UUID) -> ResponseReturnValue:
    row, form = service.one(db(), review_id), HideForm()
    if form.accepts():
        with form.refusals():
            service.hide(db(), g.actor, review_id, form.reason.data or "")
            return done(back=url_for(".reviews"), toast=_("The review is hidden."))
    return page("admin/reviews/hiding.html", fragment="admin/reviews/_hiding.html", form=form, row=row)


@bp.post("/reviews/<uuid:review_id>/showing")
def review_showing(review_id: UUID) -> ResponseReturnValue:
    service.show(db(), g.actor, review_id)
    return done(back=url_for(".reviews"), toast=_("The review is shown again."))
