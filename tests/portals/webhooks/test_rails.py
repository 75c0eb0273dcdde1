"""The door rails knock at: only what they signed, in time, once each, and nothing is done before the answer."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from app.core.clock import utc_now
from app.rails import signing
from app.rails.simulated import SIGNATURE_HEADER, webhook_secret
from tests.portals.conftest import Browser
from tests.stores import environment

Superuser = psycopg.Connection[tuple[Any, ...]]
URL = "/api/webhooks/simulated"


def delivery(*ids: str) -> bytes:
    """What the simulator sends."""
    events = [
        {"id": one, "key": f"payout-{one}", "status": "paid", "reference": f"SIM-{one}", "at": "2026-11-21T03:00:00Z"}
        for one in ids
    ]
    return json.dumps({"events": events}).encode()


def post(client: Browser, body: bytes, header: str | None = None, url: str = URL) -> tuple[int, dict[str, Any]]:
    signature = signing.sign(webhook_secret(), body) if header is None else header
    answer = client.open(
        url, method="POST", data=body, headers={SIGNATURE_HEADER: signature, "Content-Type": "application/json"}
    )
    return answer.status_code, answer.get_json(silent=True) or {}


def stored(superuser: Superuser) -> list[tuple[Any, ...]]:
    return superuser.execute(
        "SELECT event_id, status, body_sealed IS NOT NULL FROM webhook_events ORDER BY id"
    ).fetchall()


def promised(superuser: Superuser) -> list[int]:
    rows = superuser.execute("SELECT jsonb_array_length(payload -> 'webhook_ids') FROM outbox ORDER BY id").fetchall()
    return [row[0] for row in rows]


def test_stored_once_and_promised_once(client: Browser, superuser: Superuser) -> None:
    body = delivery("e1", "e2")
    assert post(client, body) == (200, {"events": 2, "new": 2})
    for _again in range(3):
        assert post(client, body) == (200, {"events": 2, "new": 0})
    assert post(client, delivery("e2", "e3")) == (200, {"events": 2, "new": 1})
    assert stored(superuser) == [
        ("e1", "received", True),
        ("e2", "received", False),
        ("e3", "received", False),
    ]
    assert promised(superuser) == [2, 1]


@pytest.mark.parametrize(
    "header",
    ["", "nonsense", "t=1,v1=00", "t=,v1=", f"v1={'0' * 64}"],
    ids=["none", "words", "old", "empty", "no time"],
)
def test_forgeries_are_refused_and_leave_nothing(client: Browser, superuser: Superuser, header: str) -> None:
    status, said = post(client, delivery("e1"), header)
    assert (status, said["status"]) == (401, 401)
    assert stored(superuser) == []
    assert promised(superuser) == []


@pytest.mark.parametrize("minutes", [-6, 6])
def test_replays_are_refused(client: Browser, superuser: Superuser, minutes: int) -> None:
    body = delivery("e1")
    when = int(utc_now().timestamp()) + minutes * 60
    assert post(client, body, signing.sign(webhook_secret(), body, when))[0] == 401
    assert stored(superuser) == []


def test_a_signature_fits_its_own_body_only(client: Browser) -> None:
    header = signing.sign(webhook_secret(), delivery("e1"))
    assert post(client, delivery("e2"), header)[0] == 401
    assert post(client, delivery("e1"), signing.sign("another secret", delivery("e1")))[0] == 401


def test_there_is_no_door_for_other_names(client: Browser) -> None:
    for name in ("bank_file", "check", "nobody"):
        assert post(client, delivery("e1"), url=f"/api/webhooks/{name}")[0] == 404
    assert client.get(URL).status_code == 405


def test_live_mode_knows_no_simulator(client: Browser, superuser: Superuser) -> None:
    with environment(QUITTANCE_MODE="live"):
        assert post(client, delivery("e1"))[0] == 404
    assert stored(superuser) == []


def test_too_much_is_not_read(client: Browser) -> None:
    assert post(client, b" " * (2 * 1024 * 1024 + 1))[0] == 413


def test_only_those_who_are_refused_are_told_of_the_limit(client: Browser) -> None:
    body = delivery("e1")
    good = client.open(URL, method="POST", data=body, headers={SIGNATURE_HEADER: signing.sign(webhook_secret(), body)})
    bad = client.open(URL, method="POST", data=body, headers={SIGNATURE_HEADER: "nonsense"})
    told = [("X-RateLimit-Remaining" in answer.headers, "Retry-After" in answer.headers) for answer in (good, bad)]
    assert (good.status_code, bad.status_code, told) == (200, 401, [(False, False), (True, True)])


def test_whoever_forges_is_shut_out_for_a_while(client: Browser) -> None:
    codes = {post(client, delivery("e1"), "nonsense")[0] for _n in range(60)}
    assert codes == {401}
    assert post(client, delivery("e1"))[0] == 429


def test_what_is_signed_but_no_delivery_is_refused(client: Browser, superuser: Superuser) -> None:
    for body in (b"", b"[]", b"{}", b'{"events": [{}]}', b"\xff"):
        assert post(client, body)[0] == 401
    assert stored(superuser) == []


def test_events_of_a_delivery_keep_their_order(client: Browser, superuser: Superuser) -> None:
    names = [f"e{n:03}" for n in range(60)]
    assert post(client, delivery(*names))[0] == 200
    assert [row[0] for row in stored(superuser)] == names
