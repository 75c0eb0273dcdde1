"""Column types and ids shared by every table."""

from __future__ import annotations

import os
import time
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Enum, String, Text, and_
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import TypeDecorator


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562): the same order as the database's uuidv7(), for ids needed before the insert."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (7 << 76)
    return UUID(int=(value & ~(0x3 << 62)) | (0x2 << 62))


def choice(enum: type[StrEnum]) -> Enum:
    """A StrEnum kept as text with a CHECK made from it."""
    return Enum(
        enum,
        name=enum.__name__.lower(),
        native_enum=False,
        create_constraint=True,
        length=40,
        values_callable=lambda members: [m.value for m in members],
    )


CurrencyCode = String(3)
LAST_LETTER = "\U0010ffff"  # sorts behind every other


class SealedText(str):
    """Sealed bytes as text: shows nothing of itself in logs and tracebacks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "‹sealed›"


class Sealed(TypeDecorator[SealedText]):
    """A column that only takes what `core.crypto.seal` made (decision 20)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: SealedText | None, dialect: Dialect) -> Any:
        if value is not None and not value.startswith("v1."):
            raise ValueError("a sealed column takes sealed text only")
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> SealedText | None:
        return None if value is None else SealedText(value)


def begins_with(column: InstrumentedAttribute[Any], start: str) -> ColumnElement[bool]:
    """As a range, which an index answers and a row policy lets through first; LIKE is neither."""
    return and_(column >= start, column < start + LAST_LETTER)
