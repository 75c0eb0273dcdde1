"""What a person wants to be told of, by mail and in the portal. What concerns security is always mailed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.crypto import CannotOpen, blind_index, open_sealed, seal
from app.core.errors import Gone
from app.core.settings import settings
from app.db.session import ScopedSession
from app.db.types import new_id
from app.identity.sessions import SignedIn
from app.identity.states import Portal
from app.notify.models import Channel, NoticeOff

_CONTEXT = "unsubscribe link"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing people are told of; `templates` are its mails, `for_payees`: on whose side; None: both."""

    name: str
    label: str
    templates: frozenset[str]
    for_payees: bool | None
    only: Portal | None = None  # of the payees' portals, the one that has this


EVENTS = (
    Event("payout_paid", "A payout was paid", frozenset({"payout_paid"}), True),
    Event(
        "payout_failed",
        "A payout failed, came back or waits for you",
        frozenset({"payout_failed", "payout_waiting"}),
        True,
    ),
    Event(
        "bill_decided",
        "A bill was approved or rejected",
        frozenset({"request_approved", "request_rejected", "requests_decided"}),
        True,
    ),
    Event(
        "bill_received",
        "A payee sent a bill or answered a changed amount",
        frozenset({"request_received", "request_answered"}),
        False,
    ),
    Event(
        "deliverable_assigned", "A deliverable was assigned", frozenset({"deliverable_assigned"}), True, Portal.CREATOR
    ),
    Event(
        "deliverable_reviewed",
        "A deliverable was approved, given back or commented on",
        frozenset({"deliverable_reviewed"}),
        True,
        Portal.CREATOR,
    ),
    Event("deliverable_due", "A deliverable is due", frozenset({"deliverable_due"}), True, Portal.CREATOR),
    Event(
        "deliverable_submitted",
        "A creator submitted or commented on a deliverable",
        frozenset({"deliverable_submitted"}),
        False,
    ),
    Event("messages", "Somebody sent a message", frozenset({"messages_unread"}), None),
    Event("deposit_confirmed", "A deposit arrived", frozenset({"deposit_confirmed"}), False),
)
_BY_TEMPLATE = {template: event for event in EVENTS for template in event.templates}


# Mails with a link or a code for one person and a short time: always sent, never sent once more.
PERSONAL = frozenset(
    {
        "sign_in", "password_reset", "address_link", "invitation", "member_invitation", "asked_to_join",
        "application_link", "contract_code",
    }
)  # fmt: skip


def events_of(portal: Portal) -> tuple[Event, ...]:
    """What somebody of this portal can be told of and may switch off."""
    if portal.is_payee:
        return tuple(event for event in EVENTS if event.for_payees is not False and event.only in (None, portal))
    return tuple(event for event in EVENTS if not event.for_payees) if portal is Portal.ORG else ()


def event_of(template: str) -> Event | None:
    """None for mails that are always sent."""
    return _BY_TEMPLATE.get(template)


def is_off(session: Session, address: str, template: str) -> bool:
    """Whether this reader switched this mail off. Always False for mails that are always sent."""
    return (address, template, Channel.EMAIL) in unwanted(session, [(address, template)])


def unwanted(session: Session, wanted: Collection[tuple[str, str]]) -> set[tuple[str, str, Channel]]:
    """On which channels the readers of (address, template) pairs switched such news off. One statement."""
    events = {(address, template): event_of(template) for address, template in wanted}
    indexes = {address: address_index(address) for (address, _), event in events.items() if event is not None}
    if not indexes:
        return set()
    query = select(NoticeOff.address_index, NoticeOff.event, NoticeOff.channel).where(
        NoticeOff.address_index.in_(indexes.values())
    )
    switched_off = {(row.address_index, row.event, row.channel) for row in session.execute(query)}
    return {
        (*pair, channel)
        for pair, event in events.items()
        for channel in Channel
        if event is not None and (indexes[pair[0]], event.name, channel) in switched_off
    }


def off(session: Session, address: str, channel: Channel) -> frozenset[str]:
    """Names of the events switched off on a channel."""
    mine = NoticeOff.address_index == address_index(address)
    return frozenset(session.scalars(select(NoticeOff.event).where(mine, NoticeOff.channel == channel)))


def choose(session: ScopedSession, who: SignedIn, channel: Channel, on: Collection[str]) -> None:
    """Switch the events in `on` on and the portal's others off, for the reader's own address."""
    with session.elevated("own notices"):
        for event in events_of(who.portal):
            _switch(session, who.email, event.name, channel, event.name in on)


def unsubscribe_url(address: str, template: str) -> str | None:
    """Where a reader switches this mail off without signing in; None for mails that are always sent."""
    event = event_of(template)
    if event is None:
        return None
    return f"{settings().base_url}/unsubscribe/{seal({'to': address, 'event': event.name}, _CONTEXT)}"


def one_click_url(unsubscribe_url: str | None) -> str:
    """Where a mail program switches this mail off with one POST (RFC 8058); "" for mails that are always sent."""
    return f"{unsubscribe_url}/one-click" if unsubscribe_url else ""


def read_link(token: str) -> tuple[str, Event]:
    """The address and event of a link. Raises Gone for what is none of ours."""
    try:
        said = open_sealed(token, _CONTEXT)
        event = next(event for event in EVENTS if event.name == said["event"])
    except (CannotOpen, StopIteration, ValueError, KeyError, TypeError):
        raise Gone("This link does not work. Sign in and open Notifications instead.") from None
    return str(said["to"]), event


def unsubscribe(session: ScopedSession, token: str) -> Event:
    """Switch off what the link is about. Raises Gone."""
    address, event = read_link(token)
    with session.elevated("unsubscribe by link"):
        _switch(session, address, event.name, Channel.EMAIL, False)
    return event


def _switch(session: Session, address: str, event: str, channel: Channel, on: bool) -> None:
    row = {"address_index": address_index(address), "event": event, "channel": channel}
    if on:
        session.execute(delete(NoticeOff).filter_by(**row))
    else:
        made: UUID = new_id()
        session.execute(insert(NoticeOff).values(id=made, **row).on_conflict_do_nothing())


def address_index(address: str) -> str:
    """What stands for an address where only its owner is to be recognized."""
    return blind_index(address.strip().lower(), "notices of")
