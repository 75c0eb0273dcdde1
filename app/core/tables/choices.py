"""What a person decided about a file of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person decided about a file; everything left out is detected.

    `columns`: field to heading ("" for none, "A + B" joins a reference) · `encoding`: a key of text.ENCODINGS ·
    `delimiter`: a key of DELIMITERS · `heading_line`: physical line · `amounts`: "1,234.56" or "1.234,56" ·
    `dates`: "DD/MM/YYYY" or "MM/DD/YYYY".
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None
    heading_line: int | None = None
    amounts: str | None = None
    dates: str | None = None

    def kept(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Choices:
        """From what `kept` gave; unknown names are left out."""
        return cls(**{name: kept[name] for name in cls.__dataclass_fields__ if name in kept})
