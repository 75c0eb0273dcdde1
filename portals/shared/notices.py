"""Settings: which mails the reader wants, mounted by the payee portals and the organization's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms import BooleanField

from app.identity.states import Portal
from app.notify import choices
from portals.shared.security import own
from portals.web import session
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.frame import theme_of
from portals.web.htmx import done, page


def form_of(portal: Portal) -> type[BaseForm]:
    """A box for each event of the portal."""
    fields: dict[str, Any] = {event.name: BooleanField(event.label) for event in choices.events_of(portal)}
    return type("NoticesForm", (BaseForm,), fields)


@own
def notices(portal: Portal) -> ResponseReturnValue:
    names = [event.name for event in choices.events_of(portal)]
    off = choices.off(db(), g.account.email)
    form = form_of(portal)(data={name: name not in off for name in names})
    if form.accepts():
        choices.choose(db(), g.account, [name for name in names if form[name].data])
        return done(back=url_for(".notices"), toast=_("Saved"))
    home = f"{session.portal_url(portal)}/"
    return page("shared/auth/notices.html", portal=theme_of(portal), portal_home=home, form=form, names=names)


def mount(add: Callable[..., None], portal: Portal) -> None:
    if choices.events_of(portal):
        add("/settings/notifications", "notices", notices, methods=["GET", "POST"])
