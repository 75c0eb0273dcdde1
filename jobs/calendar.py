"""What the calendar told us is applied, in the order it came in."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from app.consultations import calendar
from app.core.scope import SYSTEM, Scope
from app.core.settings import settings
from app.db.session import unit_of_work
from app.gateways import calcom, calcom_api
from app.webhooks import queries, service

log = logging.getLogger("quittance.calendar")
_PLATFORM = Scope.platform("apply a calendar's event")


def apply_events(webhook_ids: Sequence[str]) -> None:
    """Each event in a transaction of its own, so that one that cannot be applied holds up no other."""
    for webhook_id in webhook_ids:
        with unit_of_work(_PLATFORM) as session:
            for found in queries.unapplied_events(session, [UUID(webhook_id)]):
                if found.event["ignored"]:
                    service.ignored(session, [found.id], found.event["ignored"])
                else:
                    calendar.apply(session, SYSTEM, found.id, found.event)


def look_up() -> None:
    """Ask Cal.com for bookings that are over and of which nothing was told; what it says is applied as its events."""
    given = settings()
    if not given.calcom_api_key:
        return
    with unit_of_work(_PLATFORM) as session:
        uids = calendar.untold(session)
    for uid in uids:
        try:
            found = calcom_api.booking(given.calcom_url, given.calcom_api_key, uid)
        except calcom_api.Unavailable as error:
            log.warning("Cal.com gave no answer: %s", error)
            return
        event = calcom.read_booking(found) if found else None
        if event is not None:
            with unit_of_work(_PLATFORM) as session:
                service.receive_calendar(session, "calcom", event.event_id, calcom.kept(event, ""))


def complete_over() -> None:
    """Consultations whose end is well past were held."""
    more = 1
    while more:
        with unit_of_work(_PLATFORM) as session:
            more = calendar.complete_over(session, SYSTEM)
