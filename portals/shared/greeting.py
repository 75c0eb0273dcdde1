"""How a start page greets who signed in, by the hour where they are."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import g
from flask_babel import gettext as _

from app.core.clock import utc_now
from portals.web.i18n import reader_zone


def greeting() -> str:
    hour = utc_now().astimezone(ZoneInfo(reader_zone())).hour
    words = g.account.name.split()
    first = next((word for word in words if not word.endswith(".")), words[0])  # not "Dr."
    if 5 <= hour < 12:
        return _("Good morning, %(name)s", name=first)
    if 12 <= hour < 18:
        return _("Good afternoon, %(name)s", name=first)
    return _("Good evening, %(name)s", name=first)
