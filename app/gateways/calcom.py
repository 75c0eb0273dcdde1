"""What Cal.com tells us of bookings: signatures checked over the raw body, payloads read into values. No network.

`X-Cal-Signature-256` is the hex HMAC-SHA256 of the raw body; with no secret set up there it is the text
`no-secret-provided`. MEETING_STARTED and MEETING_ENDED are flat: a booking's fields without a payload around them.
An event has no id: it is known by its trigger, booking and time, whatever else a repeat of it says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.core.crypto import blind_index
from app.core.macs import fits, mac

HEADER = "X-Cal-Signature-256"
NO_SECRET = "no-secret-provided"  # noqa: S105 - a word of theirs
LONGEST = 200
LONGEST_REASON = 500


class Trigger(StrEnum):
    """The events something follows from; others are kept and ignored."""

    CREATED = "BOOKING_CREATED"
    REQUESTED = "BOOKING_REQUESTED"
    RESCHEDULED = "BOOKING_RESCHEDULED"
    CANCELLED = "BOOKING_CANCELLED"
    REJECTED = "BOOKING_REJECTED"
    PAID = "BOOKING_PAID"
    NO_SHOW = "BOOKING_NO_SHOW_UPDATED"
    STARTED = "MEETING_STARTED"
    ENDED = "MEETING_ENDED"
    HOST_NO_SHOW = "AFTER_HOSTS_CAL_VIDEO_NO_SHOW"
    GUEST_NO_SHOW = "AFTER_GUESTS_CAL_VIDEO_NO_SHOW"


class Side(StrEnum):
    HOST = "host"
    GUEST = "guest"


class BadSignature(Exception):
    """Cal.com did not send this, or nobody set a secret."""


class Unreadable(Exception):
    """Signed well, but not an event as we know them. The text says what is wrong."""


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """What one event says, without anybody's name or address.

    `previous_uid`: of the booking that was moved to `uid`. `by`: who cancelled. `absent`: guests marked as not
    there (True) or as there after all (False); `host_absent` the same of the host. `consultation_id`: what we gave
    along when the booking was made. `by_index`, `host_index`: keyed hashes of the address of who cancelled or moved it,
    where the booking does not say whose that is, and of the host's handle; only to be compared with (`index`).
    """

    trigger: Trigger
    event_id: str
    uid: str
    happened_at: str
    consultation_id: str | None = None
    previous_uid: str | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    video_url: str | None = None
    reason: str = ""
    by: Side | None = None
    absent: bool | None = None
    host_absent: bool = False
    by_index: str | None = None
    host_index: str | None = None


def sign(secret: str, body: bytes) -> str:
    return mac(secret, body)


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raises BadSignature."""
    given = headers.get(HEADER, "").strip()
    if not secret:
        raise BadSignature("no secret is set here")
    if given == NO_SECRET:
        raise BadSignature("no secret is set at Cal.com")
    if not fits(secret, body, given):
        raise BadSignature("the signature does not fit the body")


def digest_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def read(body: bytes) -> CalendarEvent:
    """Raises Unreadable, also for events nothing follows from."""
    try:
        found = json.loads(body)
    except ValueError:
        raise Unreadable("it is not JSON") from None
    if not isinstance(found, dict):
        raise Unreadable("it is not a JSON object")
    named = found.get("triggerEvent")
    if not isinstance(named, str) or named not in set(Trigger):
        raise Unreadable(f"nothing follows from {str(named)[:60]}")
    trigger = Trigger(named)
    payload = found.get("payload")
    data: dict[str, Any] = payload if isinstance(payload, dict) and payload else found
    uid = _text(data.get("uid")) or _text(data.get("bookingUid"))
    if not uid:
        raise Unreadable("it names no booking")
    happened_at = _moment(found.get("createdAt")) or ""
    metadata = _fields(data.get("metadata"))
    return CalendarEvent(
        trigger=trigger,
        event_id=f"{trigger}:{uid}:{happened_at}" if happened_at else f"sha256:{digest_of(body)}",
        uid=uid,
        happened_at=happened_at,
        consultation_id=_uuid(metadata.get("consultation_id")),
        previous_uid=_text(data.get("rescheduleUid")),
        starts_at=_moment(data.get("startTime")),
        ends_at=_moment(data.get("endTime")),
        video_url=_address(metadata.get("videoCallUrl")),
        reason=_reason(data),
        by=_by(trigger, data),
        absent=_absent(trigger, data),
        host_absent=data.get("noShowHost") is True or trigger is Trigger.HOST_NO_SHOW,
        by_index=index(_who(trigger, data)) if _by(trigger, data) is None else None,
        host_index=index(_fields(data.get("organizer")).get("username")),
    )


def index(value: Any) -> str | None:
    """The keyed hash an address or handle is compared by; None for none."""
    text = str(value or "").strip().lower()
    return blind_index(text, "calendar") if text else None


def read_booking(data: dict[str, Any]) -> CalendarEvent | None:
    """A booking as `GET /v2/bookings/{uid}` tells of it, as the event that would have told of its end.

    None while nothing follows: it waits for a yes, or was moved and the new booking tells of that.
    """
    uid, status = _text(data.get("uid")), data.get("status")
    hosts = {str(_fields(one).get("email", "")).lower() for one in _listed(data.get("hosts"))}
    guests = [one for one in _attendees(data) if str(one.get("email", "")).lower() not in hosts]
    if not uid or data.get("rescheduledToUid"):
        return None
    trigger = by = None
    if status == "cancelled":
        who = str(data.get("cancelledByEmail") or "").lower()
        named = {Side.HOST: hosts, Side.GUEST: {str(one.get("email", "")).lower() for one in guests}}
        trigger, by = Trigger.CANCELLED, next((side for side, emails in named.items() if who and who in emails), None)
    elif status == "rejected":
        trigger, by = Trigger.REJECTED, Side.HOST
    elif status == "accepted":
        absent = bool(guests) and all(one.get("absent") is True for one in guests)
        trigger = Trigger.GUEST_NO_SHOW if absent else Trigger.ENDED
        trigger = Trigger.HOST_NO_SHOW if data.get("absentHost") is True else trigger
    if trigger is None:
        return None
    return CalendarEvent(
        trigger=trigger,
        event_id=f"look-up:{trigger}:{uid}",
        uid=uid,
        happened_at="",
        consultation_id=_uuid(_fields(data.get("metadata")).get("consultation_id")),
        previous_uid=_text(data.get("rescheduledFromUid")),
        reason=_reason(data),
        by=by,
        host_absent=trigger is Trigger.HOST_NO_SHOW,
    )


def kept(event: CalendarEvent, body_sha256: str) -> dict[str, Any]:
    """What is stored of an event: `waits_for` is the booking that has to be known before it can be applied."""
    waits_for = event.previous_uid or event.uid
    return {**asdict(event), "waits_for": waits_for, "body_sha256": body_sha256, "ignored": None}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    fits = isinstance(value, str) and 0 < len(value.strip()) <= LONGEST and value.isprintable()
    return value.strip() if fits else None


def _uuid(value: Any) -> str | None:
    try:
        return str(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def _address(value: Any) -> str | None:
    found = _text(value)
    return found if found and found.startswith("https://") and " " not in found else None


def _moment(value: Any) -> str | None:
    """In UTC, whatever way it was written, so that a repeat has the same."""
    try:
        found = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return None
    return found.astimezone(UTC).isoformat() if found.tzinfo else found.replace(tzinfo=UTC).isoformat()


def _reason(data: dict[str, Any]) -> str:
    for name in ("cancellationReason", "rejectionReason"):
        value = data.get(name)
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())[:LONGEST_REASON]
    return ""


def _emails(data: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Hosts' and guests' addresses, to compare with; they are not kept."""
    hosts = {str(_fields(data.get(name)).get("email", "")).lower() for name in ("organizer", "user")}
    hosts |= {str(data.get("userPrimaryEmail") or "").lower()}
    members = _listed(_fields(data.get("team")).get("members"))
    hosts |= {str(_fields(one).get("email", "")).lower() for one in members}
    guests = {str(one.get("email", "")).lower() for one in _attendees(data)}
    return hosts - {""}, guests - {""}


def _fields(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _attendees(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in _listed(data.get("attendees")) if isinstance(one, dict)]


def _by(trigger: Trigger, data: dict[str, Any]) -> Side | None:
    """None when it is not said: then it is nobody's fault."""
    if trigger is Trigger.REJECTED:
        return Side.HOST
    who = _who(trigger, data)
    hosts, guests = _emails(data)
    if who in hosts:
        return Side.HOST
    return Side.GUEST if who in guests else None


def _who(trigger: Trigger, data: dict[str, Any]) -> str:
    name = {Trigger.CANCELLED: "cancelledBy", Trigger.RESCHEDULED: "rescheduledBy"}.get(trigger, "")
    return str(data.get(name) or "").strip().lower()


def _absent(trigger: Trigger, data: dict[str, Any]) -> bool | None:
    if trigger is Trigger.GUEST_NO_SHOW:
        return True
    if trigger is not Trigger.NO_SHOW:
        return None
    hosts, _guests = _emails(data)
    marks = [
        one["noShow"]
        for one in _attendees(data)
        if isinstance(one.get("noShow"), bool) and str(one.get("email", "")).lower() not in hosts
    ]
    return any(marks) if marks else None
