"""RazorpayX's webhooks: its own vector, its documented payloads, and what is no event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.core.clock import utc_now
from app.core.macs import mac as signature
from app.rails.base import BadSignature, Delivery, RailEvent
from app.rails.razorpayx import SIGNATURE_HEADER, RazorpayX
from app.rails.razorpayx_wire import EVENT_HEADER
from tests.fakes.razorpayx import ENVIRONMENT, WEBHOOK_SECRET
from tests.specs import missing, specs
from tests.stores import environment

VECTOR = specs("razorpayx", "webhooks", "signature-vector.json")
SAMPLES = sorted(VECTOR.parent.glob("*.*.json"))


@pytest.fixture(autouse=True)
def _set_up() -> Iterator[None]:
    with environment(**ENVIRONMENT):
        yield


def read(body: bytes, event_id: str = "evt_1", secret: str = WEBHOOK_SECRET) -> RailEvent:
    headers = {SIGNATURE_HEADER.upper(): signature(secret, body), EVENT_HEADER.title(): event_id}
    (event,) = RazorpayX().parse_event(Delivery(headers, body))
    return event


def payout_event(key: str | None, kind: str = "payout.processed", **changes: Any) -> bytes:
    payout = {
        "id": "pout_1", "entity": "payout", "amount": 100, "status": kind.removeprefix("payout."), "utr": "5232",
        "reference_id": key,
    }  # fmt: skip
    body = {"entity": "event", "event": kind, "contains": ["payout"], "payload": {"payout": {"entity": payout}}}
    return json.dumps({**body, "created_at": 1755693679, **changes}).encode()


@pytest.mark.skipif(not VECTOR.exists(), reason=f"NO {VECTOR.name}")
def test_the_vector_and_every_flipped_byte_of_it() -> None:
    vector = json.loads(VECTOR.read_text())
    body = vector["body"].encode()
    with environment(**{**ENVIRONMENT, "RAZORPAYX_WEBHOOK_SECRET": vector["secret"]}):
        rail = RazorpayX()
        (event,) = rail.parse_event(Delivery({SIGNATURE_HEADER: vector["signature"]}, body))
        assert (event.result, event.about) == (None, "payment.authorized")
        for at in range(0, len(body), 37):
            flipped = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
            with pytest.raises(BadSignature):
                rail.parse_event(Delivery({SIGNATURE_HEADER: vector["signature"]}, flipped))
        wrong = vector["signature"][:-1] + ("0" if vector["signature"][-1] != "0" else "1")
        with pytest.raises(BadSignature):
            rail.parse_event(Delivery({SIGNATURE_HEADER: wrong}, body))


@pytest.mark.parametrize("sample", SAMPLES or [pytest.param(VECTOR, marks=missing(VECTOR))], ids=lambda p: p.stem)
def test_every_documented_payload_is_read(sample: Path) -> None:
    told = json.loads(sample.read_text())
    event = read(sample.read_bytes())
    assert (event.event_id, event.evidence["event"]) == ("evt_1", told["event"])
    # Their references are not ours: stored, and nothing is asked.
    assert (event.result, event.look_up, event.about) == (None, False, told["event"])
    if "payout" in told["payload"]:
        ours = f"{uuid4().hex}-a1"
        told["payload"]["payout"]["entity"]["reference_id"] = ours
        event = read(json.dumps(told).encode())
        assert event.look_up and event.result is not None
        assert (event.result.key, event.result.reference) == (ours, told["payload"]["payout"]["entity"]["id"])


def test_a_payout_of_ours_only_wakes_us() -> None:
    key = f"{uuid4().hex}-a12"
    event = read(payout_event(key))
    assert event.look_up and event.result is not None and event.result.key == key
    assert event.evidence == {"event": "payout.processed", "id": "pout_1", "status": "processed", "utr": "5232"}


@pytest.mark.parametrize("key", [None, "", "Acme 1", "0" * 31 + "-a1", "0" * 32 + "-a0", "0" * 32 + "-a1 "])
def test_a_payout_of_somebody_else_is_kept(key: str | None) -> None:
    event = read(payout_event(key))
    assert (event.result, event.about) == (None, "payout.processed")


def test_without_an_id_of_its_own_it_is_known_by_its_content() -> None:
    body = payout_event(None)
    assert read(body, "").event_id == read(body, "a b\n").event_id != read(body + b" ", "").event_id
    assert read(body, "").event_id.startswith("sha256-")


def test_a_changed_secret_leaves_deliveries_under_way_valid() -> None:
    body = payout_event(None)
    with pytest.raises(BadSignature):
        read(body, secret="before")
    with environment(**ENVIRONMENT, RAZORPAYX_WEBHOOK_SECRET_OLD="before"):
        assert read(body, secret="before") == read(body)


def test_an_event_from_the_future_is_refused() -> None:
    soon = int(utc_now().timestamp())
    assert read(payout_event(None, created_at=soon + 200))
    with pytest.raises(BadSignature):
        read(payout_event(None, created_at=soon + 400))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"3",
        b"\xff",
        b'{"event":"payout.failed","payload":3}',
        b'{"event":"x","payload":{"payout":3}}',
    ],
)
def test_a_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(BadSignature):
        read(body)


@pytest.mark.parametrize("header", ["", "é", "00", " "])
def test_a_malformed_signature_is_refused(header: str) -> None:
    with pytest.raises(BadSignature):
        RazorpayX().parse_event(Delivery({SIGNATURE_HEADER: header}, payout_event(None)))


def test_without_a_secret_everything_is_refused() -> None:
    body = payout_event(None)
    with environment(**{**ENVIRONMENT, "RAZORPAYX_WEBHOOK_SECRET": ""}), pytest.raises(BadSignature):
        read(body, secret="")
