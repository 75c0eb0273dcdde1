"""Raw deliveries at rest: sealed, bound to their row; what an earlier version kept as it came is sealed by a job."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

import psycopg
import pytest

from app.core.crypto import CannotOpen
from app.core.errors import Forbidden, Invalid
from app.core.scope import Actor
from app.db.session import unit_of_work
from app.rails.base import Outcome, RailEvent, Result
from app.webhooks import bodies, service
from jobs import webhooks as jobs
from tests.factories.payouts import PLATFORM

Superuser = psycopg.Connection[tuple[Any, ...]]
BODY = b'{"receiver": "jane@example.test", "odd": "\xff\x00"}'
pytestmark = pytest.mark.usefixtures("database_url")


def keep(*names: str) -> None:
    with unit_of_work(PLATFORM) as session:
        events = [RailEvent(name, Result(name, Outcome.PAID), {}) for name in names]
        service.receive(session, "simulated", events, BODY)


def rows(superuser: Superuser) -> list[tuple[Any, ...]]:
    query = "SELECT id, body, body_sealed, body_sha256, body_bytes FROM webhook_events ORDER BY id"
    return superuser.execute(query).fetchall()


def test_what_is_stored_cannot_be_read_and_opens_as_it_came(superuser: Superuser) -> None:
    keep("a", "b")
    first, second = rows(superuser)
    text = superuser.execute("SELECT string_agg(e::text, '') FROM webhook_events e").fetchone()
    assert text and "jane" not in text[0]
    assert first[1] is None and first[2].startswith("v1.") and second[1:3] == (None, None)
    assert {row[3:] for row in (first, second)} == {(hashlib.sha256(BODY).hexdigest(), len(BODY))}
    assert bodies.opened(first[0], first[2]) == BODY


def test_it_opens_in_its_own_row_only(superuser: Superuser) -> None:
    keep("a")
    keep("b")
    (one, _, sealed, *_rest), (other, *_rest) = rows(superuser)
    assert bodies.opened(one, sealed) == BODY
    with pytest.raises(CannotOpen):
        bodies.opened(other, sealed)


def test_a_repeat_leaves_the_first_one_as_it_is(superuser: Superuser) -> None:
    keep("a")
    before = rows(superuser)
    keep("a")
    assert rows(superuser) == before


def test_an_open_needs_a_person_of_the_platform_and_a_reason(superuser: Superuser) -> None:
    keep("a")
    event_id: UUID = rows(superuser)[0][0]
    with unit_of_work(PLATFORM) as session:
        with pytest.raises(Forbidden):
            bodies.open_as_received(session, Actor("Owner", "owner"), event_id, "Curious")
        with pytest.raises(Invalid):
            bodies.open_as_received(session, Actor("Admin", "platform_admin"), event_id, " ")
        assert bodies.open_as_received(session, Actor("Admin", "platform_admin"), event_id, "Asked") == BODY


def test_what_an_earlier_version_kept_is_sealed_in_slices(superuser: Superuser, monkeypatch: Any) -> None:
    for number in range(5):
        superuser.execute(
            "INSERT INTO webhook_events (source, event_id, event, status, body)"
            " VALUES ('paypal', %s, '{}', 'applied', %s)",
            (str(number), BODY),
        )
    keep("new")
    new = rows(superuser)[-1]
    monkeypatch.setattr(jobs, "SLICE", 2)
    jobs.sweep()
    found = rows(superuser)
    assert len(found) == 6 and {row[1] for row in found} == {None}
    assert [bodies.opened(row[0], row[2]) for row in found] == [BODY] * 6
    assert {row[3] for row in found} == {hashlib.sha256(BODY).hexdigest()}
    assert new in found  # what was sealed already stayed
