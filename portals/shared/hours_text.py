"""Hours of a day as people write them: "9–12:30, 14:00–17:00"; an empty text means none."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flask_babel import gettext as _

from app.consultations.availability import Range
from app.core.errors import Invalid

_RANGE = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*(?:-|–|—|to)\s*(\d{1,2})(?:[:.](\d{2}))?", re.IGNORECASE)


def read(text: str) -> list[Range]:
    """Raises Invalid for what is no hours; whether they fit a day is `availability.checked`'s to say."""
    found: list[Range] = []
    for part in re.split(r"[,;\n]", text):
        if not part.strip():
            continue
        match = _RANGE.fullmatch(part.strip())
        if match is None or int(match[2] or 0) > 59 or int(match[4] or 0) > 59:
            raise Invalid(_("Write hours like 9:00–12:30, 14:00–17:00, on a clock of 24 hours."))
        found.append((int(match[1]) * 60 + int(match[2] or 0), int(match[3]) * 60 + int(match[4] or 0)))
    return found


def write(ranges: Sequence[Range]) -> str:
    return ", ".join(f"{_clock(starts)}–{_clock(ends)}" for starts, ends in ranges)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
