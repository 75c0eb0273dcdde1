"""Calls of Cal.com: every sample is taken once, a tampered one is refused, and nobody's name is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.gateways import calcom
from jobs import runtime
from tests.fakes.calcom import SAMPLES, call
from tests.portals.conftest import Browser
from tests.stores import environment

SECRET = "calcom-test-secret"
HERE = "/api/v1/webhooks/calcom"


@pytest.fixture(autouse=True)
def _secret(app: Any) -> Iterator[None]:
    with environment(CALCOM_WEBHOOK_SECRET=SECRET):
        yield


def send(client: Browser, body: bytes, signature: str | None = None) -> Any:
    headers = {calcom.HEADER: calcom.sign(SECRET, body) if signature is None else signature}
    return client.open(HERE, method="POST", data=body, headers=headers)


def kept(superuser: Any) -> list[Any]:
    query = (
        "SELECT event_id, status, result, body_sealed FROM webhook_events WHERE source = 'calendar.calcom' ORDER BY id"
    )
    return list(superuser.execute(query).fetchall())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_is_taken_once(path: Path, client: Browser, superuser: Any) -> None:
    body = path.read_bytes()
    first, again = send(client, body), send(client, body)
    assert (first.status_code, first.get_json(), again.status_code, again.get_json()) == (
        200,
        {"new": 1},
        200,
        {"new": 0},
    )
    spaced = json.dumps(json.loads(body), indent=3).encode()
    assert send(client, spaced).get_json() == {"new": 0}  # the same trigger, booking and time in another body
    runtime.run_due()
    ((_id, status, result, raw),) = kept(superuser)
    assert (status, result, raw) == ("ignored", "waits for its booking", None)
    row = superuser.execute("SELECT event::text FROM webhook_events").fetchone()[0]
    assert "@" not in row and "Guest User" not in row and calcom.digest_of(body) in row


def test_a_tampered_one_is_refused(client: Browser, superuser: Any) -> None:
    body = call("BOOKING_PAID")
    good = calcom.sign(SECRET, body)
    assert send(client, body.replace(b"1000", b"9000"), good).status_code == 401
    for signature in ("", calcom.NO_SECRET, f"sha256={good}", good[:-1]):
        assert send(client, body, signature).status_code == 401
    with environment(CALCOM_WEBHOOK_SECRET=""):
        assert send(client, body, calcom.NO_SECRET).status_code == 401
        assert send(client, body, calcom.sign("", body)).status_code == 401
    assert kept(superuser) == []
    assert client.get(HERE).status_code == 405


def test_what_nothing_follows_from_is_kept_for_people(client: Browser, superuser: Any) -> None:
    body = b'{"triggerEvent": "FORM_SUBMITTED", "createdAt": "2024-01-01T00:00:00Z", "payload": {"name": "Ann"}}'
    assert [send(client, body).get_json()["new"] for _twice in range(2)] == [1, 0]
    runtime.run_due()
    ((event_id, status, result, _raw),) = kept(superuser)
    assert event_id.startswith("sha256:") and status == "ignored" and result == "nothing follows from FORM_SUBMITTED"
