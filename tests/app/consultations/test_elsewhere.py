"""Links to a consultant's own calendar, numbers of bookings there, and who cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from app.consultations import elsewhere, profiles
from app.consultations.states import CancelledBy
from app.consultations.states import ConsultationStatus as S
from app.core import clock
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from tests.app.consultations import making
from tests.app.consultations.test_calendar import BEFORE, linked, now, told
from tests.factories import consultations
from tests.stores import environment

EMBED = "https://app.cal.com/embed/embed.js"


@pytest.fixture
def set_up() -> Iterator[None]:
    with environment(CALCOM_EMBED_URL=EMBED, CALCOM_WEBHOOK_SECRET="s"):
        yield


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("leila/30min", "leila/30min"),
        (" https://cal.com/leila/30min/?month=2026-12 ", "leila/30min"),
        ("https://app.cal.com/leila", "leila"),
        ("cal.com/team/kitchen/intro", "team/kitchen/intro"),
        ("  ", None),
    ],
)
def test_a_link_is_a_page_of_the_calendar(set_up: None, text: str, link: str | None) -> None:
    assert elsewhere.link(text) == link


@pytest.mark.parametrize(
    "text",
    ["https://evil.test/leila", "http://cal.com/leila", "https://cal.com.evil.test/leila", "https://cal.com/", "a b",
     "leila/../admin", "javascript:alert(1)", "https://leila@evil.test/cal.com", "leila/30min/a/b", "x" * 300],
)  # fmt: skip
def test_anything_else_is_refused(set_up: None, text: str) -> None:
    with pytest.raises(Invalid):
        elsewhere.link(text)


def test_numbers_and_handles() -> None:
    assert elsewhere.number(" abc123 ") == elsewhere.number("https://cal.com/booking/abc123?x=1") == "abc123"
    assert elsewhere.number("two words") == elsewhere.number("") == elsewhere.number("/") == ""
    assert (elsewhere.handle("Leila/30min"), elsewhere.handle("team/kitchen/intro"), elsewhere.handle(None)) == (
        "leila",
        None,
        None,
    )


def test_it_counts_where_it_is_set_up(database_url: str) -> None:
    payee_id = consultations.consultant()
    me = making.actor_of(payee_id)
    with pytest.raises(Conflict), unit_of_work(Scope.payee(payee_id)) as session:
        profiles.set_calendar_link(session, me, payee_id, "leila/30min")
    with environment(CALCOM_EMBED_URL=EMBED, CALCOM_WEBHOOK_SECRET="s"):
        with unit_of_work(Scope.payee(payee_id)) as session:
            link = profiles.set_calendar_link(session, me, payee_id, "leila/30min").calendar_link
        assert elsewhere.takes_bookings(link) and not elsewhere.takes_bookings(None)
        other = Actor("Noor", "payee", payee_id=UUID(int=4))
        with pytest.raises(Forbidden), unit_of_work(Scope.payee(payee_id)) as session:
            profiles.set_calendar_link(session, other, payee_id, "noor")
    assert not elsewhere.takes_bookings(link)  # no embed, or no news: the hours kept here


@pytest.mark.parametrize(
    ("who", "by"),
    [
        ("noor@client.test", CancelledBy.CLIENT),  # the address they have here, another than in the booking
        ("LEILA@consultant.test", CancelledBy.CONSULTANT),
        ("organizer@example.com", CancelledBy.CONSULTANT),
        ("guest@example.com", CancelledBy.CLIENT),
        ("colleague@example.com", CancelledBy.CONSULTANT),  # of the team that hosts it
        ("stranger@example.com", CancelledBy.PLATFORM),
        (None, CancelledBy.PLATFORM),
    ],
)
def test_who_cancelled_is_told_by_the_address(
    database_url: str, superuser: Any, who: str | None, by: CancelledBy
) -> None:
    payee_id, noor = consultations.consultant(name="Leila Haddad"), making.client("noor@client.test")
    booked = making.consultation(payee_id, noor, S.BOOKED)
    with clock.at(BEFORE):
        told("BOOKING_CREATED", **linked(booked))
        told("BOOKING_CANCELLED", cancelledBy=who, team={"members": [{"email": "colleague@example.com"}]})
    assert (now(booked).status, now(booked).cancelled_by) == (S.CANCELLED, by)
    kept = superuser.execute("SELECT string_agg(event::text, ' ') FROM webhook_events").fetchone()[0].lower()
    assert who is None or who.lower() not in kept
