"""Every sample of Cal.com read as its documentation says, and nothing of a person kept of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from app.gateways import calcom
from app.gateways.calcom import BadSignature, Side, Trigger, Unreadable
from tests.fakes.calcom import MISSING, SAMPLES, VECTOR, call


@pytest.mark.skipif(not VECTOR.exists(), reason=str(MISSING.kwargs["reason"]))
def test_there_are_all_of_them() -> None:
    assert {path.stem for path in SAMPLES} == {
        "BOOKING_CREATED", "BOOKING_REQUESTED", "BOOKING_RESCHEDULED", "BOOKING_CANCELLED", "BOOKING_REJECTED",
        "BOOKING_PAID", "BOOKING_NO_SHOW_UPDATED", "MEETING_STARTED", "MEETING_ENDED",
    }  # fmt: skip


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_each_sample(path: Path) -> None:
    event = calcom.read(path.read_bytes())
    assert event.trigger == path.stem and event.event_id.startswith(f"{path.stem}:{event.uid}:2024-01-01T")
    assert event.uid in ("unique-booking-id", "new-booking-unique-id") and event.consultation_id is None
    kept = json.dumps(asdict(event))
    assert "Guest" not in kept and "@" not in kept and "Organizer" not in kept


def test_what_each_says() -> None:
    moved = calcom.read(call("BOOKING_RESCHEDULED"))
    assert (moved.uid, moved.previous_uid) == ("new-booking-unique-id", "unique-booking-id")
    assert (moved.starts_at, moved.by) == ("2024-01-10T14:30:00+00:00", Side.GUEST)
    cancelled = calcom.read(call("BOOKING_CANCELLED"))
    assert cancelled.by is None and cancelled.reason == "I am no longer able to attend this session."
    assert calcom.read(call("BOOKING_CANCELLED", cancelledBy="Guest@example.com")).by is Side.GUEST
    assert calcom.read(call("BOOKING_CANCELLED", cancelledBy="organizer@example.com")).by is Side.HOST
    rejected = calcom.read(call("BOOKING_REJECTED"))
    assert (rejected.by, rejected.reason) == (Side.HOST, "Not available")
    absent = calcom.read(call("BOOKING_NO_SHOW_UPDATED"))
    assert (absent.uid, absent.absent) == ("unique-booking-id", True)
    back = calcom.read(call("BOOKING_NO_SHOW_UPDATED", attendees=[{"email": "guest@example.com", "noShow": False}]))
    assert back.absent is False
    assert calcom.read(call("MEETING_ENDED")).host_absent is False
    assert calcom.read(call("MEETING_ENDED", noShowHost=True)).host_absent is True
    wanted = "0198c0de-0000-7000-8000-000000000001"
    made = calcom.read(call("BOOKING_CREATED", metadata={"consultation_id": wanted, "videoCallUrl": "javascript:x"}))
    assert (made.consultation_id, made.video_url) == (wanted, None)
    nobody = {"triggerEvent": "AFTER_HOSTS_CAL_VIDEO_NO_SHOW", "createdAt": "2024-01-01T10:05:00Z",
              "payload": {"bookingUid": "u", "hostEmail": "organizer@example.com"}}  # fmt: skip
    event = calcom.read(json.dumps(nobody).encode())
    assert (event.trigger, event.uid, event.host_absent) == (Trigger.HOST_NO_SHOW, "u", True)


NO_NEWS = (
    b"", b"[]", b"\xff", b"{}", b'{"triggerEvent": "FORM_SUBMITTED"}', b'{"triggerEvent": "BOOKING_CREATED"}',
    b'{"triggerEvent": ["x"]}', b'{"triggerEvent": "MEETING_ENDED", "uid": "a\\u0000b"}',
    b'{"triggerEvent": "MEETING_ENDED", "attendees": 5, "metadata": [], "organizer": 1}',
)  # fmt: skip


@pytest.mark.parametrize("body", NO_NEWS)
def test_what_nothing_follows_from(body: bytes) -> None:
    with pytest.raises(Unreadable):
        calcom.read(body)


@pytest.mark.skipif(not VECTOR.exists(), reason=str(MISSING.kwargs["reason"]))
def test_signatures() -> None:
    vector = json.loads(VECTOR.read_text())
    body, secret, good = vector["body"].encode(), vector["secret"], {calcom.HEADER: vector["signature"]}
    calcom.verify(secret, good, body)
    calcom.verify(secret, {calcom.HEADER: vector["signature"].upper()}, body)
    for headers, raw, key in (
        (good, body + b" ", secret), (good, body, "another"), (good, body, ""), ({}, body, secret),
        ({calcom.HEADER: calcom.NO_SECRET}, body, secret), ({calcom.HEADER: calcom.NO_SECRET}, body, ""),
        ({calcom.HEADER: f"sha256={vector['signature']}"}, body, secret), ({calcom.HEADER: "é"}, body, secret),
    ):  # fmt: skip
        with pytest.raises(BadSignature):
            calcom.verify(key, headers, raw)
