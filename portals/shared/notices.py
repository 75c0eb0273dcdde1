"""Notices: the list behind the bell, and the settings of which news comes where. Payee portals and organizations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, g, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms import BooleanField

from app.core.scope import Permission
from app.identity.states import Portal
from app.notify import choices
from app.notify import notices as service
from app.notify.models import Channel
from portals.shared.security import own
from portals.web import paging, session
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.frame import theme_of
from portals.web.guards import require
from portals.web.htmx import done, page


def box(event: str, channel: Channel) -> str:
    """The name of the box of one event on one channel."""
    return event if channel is Channel.EMAIL else f"{event}_{channel.value}"


def form_of(portal: Portal) -> type[BaseForm]:
    """A box for each event of the portal on each channel."""
    fields: dict[str, Any] = {
        box(event.name, channel): BooleanField(event.label)
        for event in choices.events_of(portal)
        for channel in Channel
    }
    return type("NoticesForm", (BaseForm,), fields)


@own
def notices(portal: Portal) -> ResponseReturnValue:
    events = choices.events_of(portal)
    off = {channel: choices.off(db(), g.account.email, channel) for channel in Channel}
    form = form_of(portal)(data={box(e.name, c): e.name not in off[c] for e in events for c in Channel})
    if form.accepts():
        for channel in Channel:
            on = [event.name for event in events if form[box(event.name, channel)].data]
            choices.choose(db(), g.account, channel, on)
        return done(back=url_for(".notices"), toast=_("Saved"))
    home = f"{session.portal_url(portal)}/"
    rows = [(event.label, [form[box(event.name, channel)] for channel in Channel]) for event in events]
    return page("shared/auth/notices.html", portal=theme_of(portal), portal_home=home, form=form, rows=rows)


def _here() -> UUID | None:
    """The organization whose notices are shown; None in portals of people who work for many."""
    return g.organization.id if "organization" in g else None


@require(Permission.MESSAGE)
def inbox() -> ResponseReturnValue:
    """What the reader was told of, newest first."""
    want = paging.wanted()
    found = service.notices(db(), g.account, _here(), want.cursor, want.limit)
    return page(
        "shared/notices/index.html",
        fragment="shared/notices/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        labels={event.name: event.label for event in choices.EVENTS},
        settings_url=url_for(f"{g.account.portal.value}_auth.notices"),
    )


@require(Permission.MESSAGE)
def read_notice(notice_id: UUID, **_address: str) -> ResponseReturnValue:
    """Open what a notice is about; it counts as read then."""
    return redirect(service.read(db(), g.account, notice_id), 303)


@require(Permission.MESSAGE)
def read_notices() -> ResponseReturnValue:
    service.read_all(db(), g.account, _here())
    return done(back=url_for(".inbox"), toast=_("All read"))


def unread() -> int:
    """The number beside the bell."""
    return service.unread(db(), g.account, _here())


def mount_inbox(bp: Blueprint) -> None:
    bp.get("/notifications")(inbox)
    bp.get("/notifications/<uuid:notice_id>")(read_notice)
    bp.post("/notifications/reading")(read_notices)


def mount(add: Callable[..., None], portal: Portal) -> None:
    if choices.events_of(portal):
        add("/settings/notifications", "notices", notices, methods=["GET", "POST"])
