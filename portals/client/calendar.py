"""A consultant's own calendar on the booking page: its embed instead of our times, and the number of a booking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_babel import gettext as _

from app.consultations import calendar_numbers, elsewhere
from app.consultations.privacy import first_name
from app.consultations.profile_models import Offering
from app.core.errors import Conflict, Invalid
from app.core.settings import settings
from portals.web import headers
from portals.web.db import db


@dataclass(frozen=True, slots=True)
class Embed:
    """What the page's script is told. Of the client only the first name goes along."""

    link: str
    script: str
    origin: str
    name: str

    @property
    def url(self) -> str:
        return f"{self.origin}/{self.link}"


class NotTold(Conflict):
    """The client was faster than the calendar's own news: the page sends the form again."""


def is_asked(row: Any, offering: Offering) -> bool:
    """Whether the times of an offering are in the consultant's own calendar; what is held for many has its own time."""
    return not offering.kind.is_group and elsewhere.takes_bookings(row.calendar_link)


def embed(link: str, account: Any) -> Embed:
    """For this page alone the embed's script, frames and the styles it brings are let in."""
    script, origin = elsewhere.script_origin(), elsewhere.page_origin()
    headers.allow(
        script_src=(script,), frame_src=(script, origin), connect_src=(script,), style_src=("'unsafe-inline'",)
    )  # fmt: skip
    return Embed(link, settings().calcom_embed_url, origin, first_name(account.name))


def number(form: Any) -> str:
    """Raises Invalid beside the field."""
    found = elsewhere.number(form.cal_booking_id.data or "")
    if not found:
        sentence = _("Choose a time in the calendar.")
        raise Invalid(sentence, fields={calendar_numbers.NAME: sentence})
    return found


def start_of(uid: str, payee_id: UUID, offering: Offering) -> datetime:
    """When the booking of that number is. Raises NotTold while the calendar has not told us of it, Invalid for one
    that is not this consultant's or not as long."""
    given = calendar_numbers.told(db(), uid)
    if given is None:
        sentence = _("The calendar has not told us of this booking yet. That takes a moment: send it again.")
        raise NotTold(sentence, fields={calendar_numbers.NAME: sentence})
    calendar_numbers.check(db(), given, payee_id, offering)
    return given.starts_at
