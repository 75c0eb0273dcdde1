"""Words of messages: which side wrote, and what a thread is about."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    PAYEE = "payee"
    ORGANIZATION = "organization"


class AboutKind(StrEnum):
    """What a thread belongs to; `about_id` is the row of that noun."""

    REQUEST = "request"
    PROJECT = "project"
