"""The rules of webhooks in, each for every source: sources across, rules down.

Forged → 401; too old or from the future → 401; a repeat counts once, also at the same moment; unknown types are kept;
older news moves nothing back; a killed worker's event is applied once; an admin may run any of them again.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask

from app.core.settings import settings
from app.db.session import engine, unit_of_work
from app.gateways.shops import Shop
from app.identity.states import Portal
from app.webhooks import service
from jobs import hold, runtime
from tests.factories import people
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser
from tests.portals.webhooks import worlds
from tests.portals.webhooks.worlds import Call, World, run_all
from tests.processes import eventually

Superuser = psycopg.Connection[tuple[Any, ...]]
SOURCES = (
    "simulated", "stripe_connect", "paypal", "mpesa", "razorpayx", "cards", "calcom", "shopify", "woocommerce",
    "generic",
)  # fmt: skip
TIMED = ("simulated", "stripe_connect", "paypal", "cards", "generic")
GATE = 4711  # an advisory lock that every write of an event waits for


def _made(name: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Any:
    if name in set(Shop):
        return worlds.shop(Shop(name))
    if name == "mpesa":
        return worlds.mpesa(monkeypatch, folder / "certificate.pem")
    return getattr(worlds, name)(monkeypatch)


@pytest.fixture
def world(
    request: pytest.FixtureRequest, app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[World]:
    with _made(request.param, monkeypatch, tmp_path) as made:
        run_all()
        yield made


every_source = pytest.mark.parametrize("world", SOURCES, indirect=True)


def send(client: Browser, call: Call) -> int:
    return client.open(call.url, method="POST", data=call.body, headers=call.headers).status_code


def events(superuser: Superuser) -> list[str]:
    return [row[0] for row in superuser.execute("SELECT status FROM webhook_events ORDER BY created_at, id").fetchall()]


def books(superuser: Superuser) -> tuple[Any, ...]:
    """What an effect leaves behind, whatever it was of."""
    row = superuser.execute(
        """SELECT (SELECT count(*) FROM ledger_lines), (SELECT count(*) FROM earnings),
            (SELECT count(*) FROM timeline_events), (SELECT count(*) FROM order_changes), (SELECT count(*) FROM mails),
            (SELECT string_agg(status, ',' ORDER BY id) FROM payouts),
            (SELECT string_agg(status, ',' ORDER BY id) FROM consultations),
            (SELECT string_agg(status || refunded_minor || basis_minor, ',' ORDER BY id) FROM orders),
            (SELECT string_agg(status, ',' ORDER BY id) FROM charges)"""
    ).fetchone()
    assert row is not None
    return row


@contextmanager
def gate(superuser: Superuser) -> Iterator[Callable[[], int]]:
    """Until the block ends, whoever writes an event waits; gives how many do."""
    superuser.execute(
        f"""CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NEW; END$$;
        CREATE TRIGGER gate BEFORE INSERT OR UPDATE ON webhook_events FOR EACH ROW EXECUTE FUNCTION wait_at_gate()"""
    )
    superuser.execute("SELECT pg_advisory_lock(%s)", (GATE,))

    def waiting() -> int:
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
        row = superuser.execute(query, (GATE,)).fetchone()
        return int(row[0]) if row else 0

    try:
        yield waiting
    finally:
        superuser.execute("SELECT pg_advisory_unlock(%s)", (GATE,))


@pytest.fixture(autouse=True)
def _no_gate(superuser: Superuser) -> Iterator[None]:
    yield
    superuser.execute("DROP TRIGGER IF EXISTS gate ON webhook_events; DROP FUNCTION IF EXISTS wait_at_gate()")


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Each in a thread of its own; what they gave."""
    given: list[object] = []
    threads = [threading.Thread(target=lambda act=act: given.append(act())) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return given


def flipped(call: Call) -> list[Call]:
    """The call with one byte of the body another one, with one sign of the signature another one, and with neither."""
    place = call.body.index(b"e")
    body = call.body[:place] + b"E" + call.body[place + 1 :]
    signed = next((name for name in call.headers if name.endswith(("Signature", "Sig", "Sha256", "256"))), "")
    if not signed:  # M-Pesa: the address is what is signed
        other = "0" if call.url[-1] != "0" else "1"
        return [replace(call, url=call.url[:-1] + other), replace(call, url=call.url.rpartition("/")[0])]
    value = call.headers[signed]  # hex is the same in capitals
    place = len(value) - 5
    wrong = value[:place] + ("A" if value[place] not in "aA" else "B") + value[place + 1 :]
    others = {name: said for name, said in call.headers.items() if name != signed}
    return [replace(call, body=body), replace(call, headers={**others, signed: wrong}), replace(call, headers=others)]


@every_source
def test_a_forgery_is_refused_and_leaves_nothing(world: World, client: Browser, superuser: Superuser) -> None:
    before = books(superuser)
    assert [send(client, call) for call in flipped(world.good())] == [401] * len(flipped(world.good()))
    run_all()
    assert (events(superuser), books(superuser)) == ([], before)


@pytest.mark.parametrize("world", TIMED, indirect=True)
def test_too_old_and_from_the_future_is_refused(world: World, client: Browser, superuser: Superuser) -> None:
    assert world.at and world.timed
    back, ahead = world.timed
    assert [send(client, world.at(away)) for away in (-back - 5, ahead + 5, -86_400 * 30)] == [401, 401, 401]
    assert events(superuser) == []
    assert [send(client, world.at(away)) for away in (-back + 30, ahead - 30)] == [200, 200]
    assert len(events(superuser)) == 1  # the same news, signed twice


@every_source
def test_a_repeat_is_stored_once_and_counts_once(world: World, client: Browser, superuser: Superuser) -> None:
    before = books(superuser)
    assert send(client, world.good()) == 200
    run_all()
    once = books(superuser)
    assert once != before and events(superuser) == ["applied"]
    assert [send(client, world.good()) for _ in range(2)] == [200, 200]
    run_all()
    assert (events(superuser), books(superuser)) == (["applied"], once)


@every_source
def test_two_at_the_same_moment_are_stored_and_applied_once(world: World, app: Flask, superuser: Superuser) -> None:
    before, call = books(superuser), world.good()
    with gate(superuser) as waiting:
        senders = [threading.Thread(target=send, args=(app.test_client(), call)) for _ in range(2)]
        for sender in senders:
            sender.start()
        assert eventually(lambda: waiting() == 2, 20)  # both are past the check of the signature
    for sender in senders:
        sender.join(20)
    assert events(superuser) == ["received"]
    assert superuser.execute(
        "SELECT count(*) FROM outbox WHERE payload ? 'webhook_ids' AND done_at IS NULL"
    ).fetchone() == (1,)
    with unit_of_work(PLATFORM) as session:  # promised a second time, as a sweep does for what is late
        (found,) = session.connection().exec_driver_sql("SELECT id, source FROM webhook_events").all()
        service._promise(session, service._topic_of(found.source), [found.id])
    at_once(run_all, run_all)
    run_all()
    once = books(superuser)
    assert events(superuser) == ["applied"] and once != before
    superuser.execute("UPDATE webhook_events SET status = 'received'")
    superuser.execute("UPDATE outbox SET done_at = NULL WHERE payload ? 'webhook_ids'")
    run_all()
    assert books(superuser) == once


@every_source
def test_an_unknown_type_is_kept_and_ignored(world: World, client: Browser, superuser: Superuser) -> None:
    before = books(superuser)
    assert [send(client, world.unknown()) for _ in range(2)] == [200, 200]
    assert events(superuser) == ["received"]
    run_all()
    assert (events(superuser), books(superuser)) == (["ignored"], before)


@every_source
def test_older_news_moves_nothing_back(world: World, client: Browser, superuser: Superuser) -> None:
    assert send(client, world.good()) == 200
    run_all()
    after = books(superuser)
    assert send(client, world.older()) == 200
    run_all()
    found = events(superuser)
    assert books(superuser) == after and len(found) == 2 and "received" not in found and "failed" not in found


@every_source
def test_a_worker_killed_while_applying(world: World, client: Browser, superuser: Superuser) -> None:
    """The effect is made and not committed when the process dies."""
    before = books(superuser)
    assert send(client, world.good()) == 200
    with gate(superuser) as waiting:
        child = os.fork()
        if child == 0:
            for pool in (engine(), hold.engine_for(settings().database_url)):
                pool.dispose(close=False)
            run_all()
            os._exit(0)
        assert eventually(lambda: waiting() == 1, 20)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert books(superuser) == before
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND pid IN (SELECT pid FROM pg_locks WHERE objid = %s)",
            (GATE,),
        )
    assert eventually(lambda: runtime.run_due() >= 0 and events(superuser) == ["applied"], 20)
    run_all()
    once = books(superuser)
    assert once != before
    superuser.execute("UPDATE outbox SET done_at = NULL WHERE payload ? 'webhook_ids'")
    run_all()
    assert (events(superuser), books(superuser)) == (["applied"], once)


@every_source
def test_an_admin_runs_it_again(
    world: World, client: Browser, superuser: Superuser, sign_in: Callable[[Portal, str], Browser]
) -> None:
    people.admin("again@quittance.test")
    admin = sign_in(Portal.ADMIN, "again@quittance.test")
    before = books(superuser)
    assert send(client, world.good()) == 200
    superuser.execute("UPDATE webhook_events SET status = 'failed', result = 'it broke'")
    superuser.execute("UPDATE outbox SET failed_at = now() WHERE payload ? 'webhook_ids'")
    run_all()
    assert (events(superuser), books(superuser)) == (["failed"], before)
    ((event_id,),) = superuser.execute("SELECT id FROM webhook_events").fetchall()
    seen = []
    for _ in range(2):
        assert admin.post(f"/admin/webhooks/{event_id}/run").status_code == 303
        run_all()
        assert events(superuser) == ["applied"]
        seen.append(books(superuser))
    assert seen[0] != before and seen[1] == seen[0]


@every_source
def test_what_can_be_read_in_the_row_tells_of_nobody(
    world: World, client: Browser, superuser: Superuser, caplog: pytest.LogCaptureFixture
) -> None:
    call = world.good()
    with caplog.at_level(logging.INFO):
        assert send(client, call) == 200
        run_all()
    logged = caplog.text + "".join(str(getattr(record, "fields", "")) for record in caplog.records)
    assert "/webhooks/" in logged  # the request is in it
    row = superuser.execute("SELECT to_jsonb(e)::text, body_bytes FROM webhook_events e").fetchone()
    assert row is not None and row[1] == len(call.body)
    for secret in (*world.secrets, *(value for value in call.headers.values() if len(value) > 20)):
        assert secret not in row[0] and secret not in logged, secret
    for secret in world.secrets:
        assert secret.encode() in call.body
    if world.name == "mpesa":  # the address ends in what makes it unguessable
        assert call.url.rpartition("/")[2] not in row[0] + logged
