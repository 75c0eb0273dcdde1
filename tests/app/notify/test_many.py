"""Many mails at once: the same rules as one by one, and as many statements for three as for three hundred."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event

from app.core.scope import Scope
from app.db.session import engine, unit_of_work
from app.identity.states import Portal
from app.notify import choices, rendering, service
from app.notify.service import Letter
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")


def letter(to: str, template: str = "payout_paid", **more: Any) -> Letter:
    return Letter(to, template, "s", {"name": "n", "id": uuid4()}, **more)


def queued(*letters: Letter) -> int:
    with unit_of_work(Scope.public()) as session:
        return service.queue_many(session, letters)


def test_who_wants_none_gets_none(superuser: Any) -> None:
    url = choices.unsubscribe_url("Off@example.test", "payout_paid")
    assert url
    with unit_of_work(PLATFORM) as session:
        choices.unsubscribe(session, url.rsplit("/", 1)[1])
    letters = [letter("off@example.test"), letter("on@example.test"), letter("off@example.test", "payout_failed")]
    assert queued(*letters, letter("off@example.test", "sign_in")) == 3
    rows = superuser.execute("SELECT to_address, template FROM mails ORDER BY 1, 2").fetchall()
    assert rows == [
        ("off@example.test", "payout_failed"),
        ("off@example.test", "sign_in"),
        ("on@example.test", "payout_paid"),
    ]
    assert superuser.execute("SELECT count(*) FROM outbox WHERE topic = 'mail.queued'").fetchone() == (3,)


def test_a_mail_promised_before_is_not_promised_again(superuser: Any) -> None:
    document = {"document": "remittance", "payout_id": uuid4()}
    first = letter("a@example.test", dedupe_key="k1", attachment=document)
    assert queued(first, letter("b@example.test")) == 2
    assert queued(first, letter("c@example.test", dedupe_key="k2")) == 1
    topics = dict(superuser.execute("SELECT topic, count(*) FROM outbox GROUP BY 1").fetchall())
    assert sorted(topics.values()) == [1, 2]  # one with a document, two without
    assert superuser.execute("SELECT count(*) FROM mails").fetchone() == (3,)
    mails = "SELECT count(*) FROM outbox o JOIN mails m ON m.id = (o.payload->>'mail_id')::uuid"
    assert superuser.execute(mails).fetchone() == (3,)


def test_nothing_to_send_asks_nothing() -> None:
    assert queued() == 0


@pytest.fixture
def cost() -> Callable[[int], int]:
    def counted(number: int) -> int:
        sent: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            sent.append(statement)

        with unit_of_work(Scope.public()) as session:
            event.listen(engine(), "before_cursor_execute", note)
            assert service.queue_many(session, [letter(f"{n}@example.test") for n in range(number)]) == number
            event.remove(engine(), "before_cursor_execute", note)
        return len(sent)

    return counted


def test_the_number_of_statements_does_not_grow(cost: Callable[[int], int]) -> None:
    assert cost(300) == cost(3)


def test_mails_with_a_link_or_code_of_ones_own_are_personal_and_always_sent() -> None:
    with_secret = {name for name, (needed, _more) in rendering.CONTEXTS.items() if needed & {"link", "code"}}
    assert with_secret == choices.PERSONAL
    assert "asked_to_join" in choices.PERSONAL
    assert all(choices.event_of(name) is None for name in choices.PERSONAL)


def test_choices_are_known_for_every_event() -> None:
    """Each event has readers on a side, so that somebody can switch it."""
    for found in choices.EVENTS:
        assert any(found in choices.events_of(portal) for portal in Portal)
