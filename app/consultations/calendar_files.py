"""Calendar files (iCalendar, RFC 5545) of consultations. Times are UTC, so they need no zone of their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

_LONGEST = 75  # bytes of a line, before it is folded


@dataclass(frozen=True, slots=True)
class Event:
    """`uid` stays the same for the life of a booking; `sequence` rises with each change. Nobody's address is in it."""

    uid: str
    sequence: int
    summary: str
    description: str
    starts_at: datetime
    ends_at: datetime
    stamped_at: datetime
    url: str = ""
    location: str = ""
    cancelled: bool = False


def write(event: Event) -> bytes:
    """The file, UTF-8 with CRLF. A cancelled event takes itself out of the reader's calendar."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Quittance//Consultations//EN",
        "CALSCALE:GREGORIAN",
        f"METHOD:{'CANCEL' if event.cancelled else 'PUBLISH'}",
        "BEGIN:VEVENT",
        f"UID:{_text(event.uid)}",
        f"SEQUENCE:{event.sequence}",
        f"DTSTAMP:{_moment(event.stamped_at)}",
        f"DTSTART:{_moment(event.starts_at)}",
        f"DTEND:{_moment(event.ends_at)}",
        f"SUMMARY:{_text(event.summary)}",
        f"DESCRIPTION:{_text(event.description)}",
        *([f"LOCATION:{_text(event.location)}"] if event.location else []),
        *([f"URL:{_uri(event.url)}"] if event.url else []),
        f"STATUS:{'CANCELLED' if event.cancelled else 'CONFIRMED'}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines).encode()


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(value: str) -> str:
    """TEXT of RFC 5545 section 3.3.11; control characters have no place in it."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    escaped = escaped.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")
    return "".join(letter for letter in escaped if letter.isprintable())


def _uri(value: str) -> str:
    return "".join(letter for letter in value if letter.isprintable())


def _folded(line: str) -> str:
    """Lines of at most 75 bytes, never cut inside a letter."""
    parts: list[str] = []
    current = ""
    for letter in line:
        if len((current + letter).encode()) > _LONGEST - bool(parts):
            parts.append(current)
            current = ""
        current += letter
    return "\r\n ".join([*parts, current])
