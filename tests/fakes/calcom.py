"""What Cal.com sends, as its documentation describes it; its own samples where they are at hand."""

from __future__ import annotations

import hmac
import json
import os
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(os.environ.get("QUITTANCE_SPECS") or Path(__file__).resolve().parents[3] / "shared" / "specs")
SPECS = _ROOT / "calcom" / "webhooks"
VECTOR = SPECS / "signature-vector.json"
MISSING = pytest.mark.skip(reason="NO SAMPLES of Cal.com: neither in $QUITTANCE_SPECS nor in ../shared/specs")
SAMPLES: list[Any] = sorted(path for path in SPECS.glob("*.json") if path != VECTOR) or [
    pytest.param(Path("none"), marks=MISSING)
]
SECRET = "calcom-test-secret"  # of their vector, which is a call like the others


def _signed(path: Path) -> Any:
    """(name, body, signature) of a sample: the vector's as their own code made it, others as it would be."""
    if path == VECTOR:
        vector = json.loads(path.read_text())
        return pytest.param("BOOKING_CREATED", vector["body"].encode(), vector["signature"], id="signed-by-them")
    body = path.read_bytes()
    return pytest.param(path.stem, body, hmac.digest(SECRET.encode(), body, "sha256").hex(), id=path.stem)


TEN = 10
CALLS: list[Any] = [_signed(path) for path in sorted(SPECS.glob("*.json"))] or [
    pytest.param("none", b"", "", marks=MISSING)
]
UID, MOVED_UID = "unique-booking-id", "new-booking-unique-id"
HOST, GUEST = "organizer@example.com", "guest@example.com"


def call(name: str, **changes: Any) -> bytes:
    """One call with these values changed in its payload."""
    if name == "BOOKING_NO_SHOW_UPDATED":
        told: dict[str, Any] = {"bookingUid": UID, "attendees": [{"email": GUEST, "noShow": True}]}
    else:
        told = {
            "uid": UID,
            "startTime": "2024-01-01T10:00:00Z",
            "endTime": "2024-01-01T10:15:00Z",
            "organizer": {"name": "Organizer Name", "email": HOST},
            "attendees": [{"name": "Guest User", "email": GUEST, "noShow": False}],
            "metadata": {"videoCallUrl": "https://app.example.com/video/1"},
            "price": 1000,
        }
    if name == "BOOKING_RESCHEDULED":
        told |= {"uid": MOVED_UID, "rescheduleUid": UID, "rescheduledBy": GUEST}
        told |= {"startTime": "2024-01-10T14:30:00Z", "endTime": "2024-01-10T14:45:00Z"}
    if name == "BOOKING_CANCELLED":
        told["cancellationReason"] = "I am no longer able to attend this session."
    if name == "BOOKING_REJECTED":
        told["rejectionReason"] = "Not available"
    if name.startswith("MEETING_"):  # flat, with the time at which the booking was made
        return json.dumps({"triggerEvent": name, "createdAt": "2024-01-01T09:45:00.000Z", **told, **changes}).encode()
    return json.dumps(
        {"triggerEvent": name, "createdAt": "2024-01-01T10:00:00.000Z", "payload": told | changes}
    ).encode()
