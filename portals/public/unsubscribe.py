"""The link at the foot of a mail. GET shows a button, as mail scanners follow links; POST switches the mail off."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.notify import choices
from portals.public import bp
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.htmx import page


@bp.route("/unsubscribe/<token>", methods=["GET", "POST"])
def unsubscribe(token: str) -> ResponseReturnValue:
    _address, event = choices.read_link(token)
    form = BaseForm()
    ended = form.accepts()
    if ended:
        choices.unsubscribe(db(), token)
    return page("public/unsubscribe.html", form=form, event=event, ended=ended, token=token)
