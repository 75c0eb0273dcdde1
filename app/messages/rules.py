"""What a message may be, and what of it is shown elsewhere. No session here."""

from __future__ import annotations

import re
from datetime import timedelta

from app.core.errors import Invalid

LONGEST_SUBJECT = 160
LONGEST_BODY = 10_000
MOST_FILES = 10
# A notice waits this long, so that what is written meanwhile comes with it and what is read meanwhile needs none.
MAIL_AFTER = timedelta(seconds=60)
MOST_QUOTED = 5
_EXCERPT, _QUOTE = 140, 600
_UNPRINTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def body_of(text: str) -> str:
    """A message as it is kept: line breaks are \\n, no control signs. Raises Invalid."""
    kept = _UNPRINTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not kept:
        raise Invalid("Write a message.", fields={"body": "Write a message."})
    if len(kept) > LONGEST_BODY:
        said = f"A message has at most {LONGEST_BODY:,} characters; this one has {len(kept):,}."
        raise Invalid(said, fields={"body": said})
    return kept


def subject_of(text: str) -> str:
    """One line. Raises Invalid."""
    kept = _UNPRINTED.sub("", " ".join(text.split()))
    if not kept:
        raise Invalid("Say what it is about.", fields={"subject": "Say what it is about."})
    if len(kept) > LONGEST_SUBJECT:
        said = f"A subject has at most {LONGEST_SUBJECT} characters."
        raise Invalid(said, fields={"subject": said})
    return kept


def excerpt(body: str, most: int = _EXCERPT) -> str:
    """The beginning of a message on one line."""
    line = " ".join(body.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def quote(body: str) -> str:
    """What a mail says of a message."""
    return excerpt(body, _QUOTE)
