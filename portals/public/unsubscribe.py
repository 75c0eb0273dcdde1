"""The link at the foot of a mail. GET shows a button, as mail scanners follow links; POST switches the mail off.

Mail programs post to `/one-click` by themselves when their reader asks for it (RFC 8058): no cookie, no CSRF token.
"""

from __future__ import annotations

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Invalid
from app.notify import choices
from portals.public import bp
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.htmx import page
from portals.web.setup import csrf


@bp.route("/unsubscribe/<token>", methods=["GET", "POST"])
def unsubscribe(token: str) -> ResponseReturnValue:
    _address, event = choices.read_link(token)
    form = BaseForm()
    ended = form.accepts()
    if ended:
        choices.unsubscribe(db(), token)
    return page("public/unsubscribe.html", form=form, event=event, ended=ended, token=token)


@bp.get("/unsubscribe/<token>/one-click")
def one_click_page(token: str) -> ResponseReturnValue:
    """For a person, or a program that knows links only."""
    return redirect(url_for(".unsubscribe", token=token), 303)


@bp.post("/unsubscribe/<token>/one-click")
@csrf.exempt
def one_click(token: str) -> ResponseReturnValue:
    if request.form.get("List-Unsubscribe") != "One-Click":
        raise Invalid(_("This address is for mail programs."))
    choices.unsubscribe(db(), token)
    return "", 204
