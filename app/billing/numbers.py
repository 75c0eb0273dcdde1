"""Numbers of documents: gapless by issuer, kind and fiscal year; at most 16 characters, as India wants them."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from app.billing import gst
from app.billing.documents import DocumentKind
from app.db import numbering

_KINDS = {DocumentKind.INVOICE: "", DocumentKind.CREDIT_NOTE: "C", DocumentKind.DEBIT_NOTE: "D"}
LONGEST = 16
LONGEST_PREFIX = 4


def fiscal_year(country: str, day: date) -> int:
    """The calendar year, and in India the year in which the fiscal year began."""
    return gst.fiscal_year(day) if country == "IN" else day.year


def take(session: Session, issuer_id: UUID, kind: DocumentKind, year: int, count: int = 1) -> int:
    """Take `count` consecutive numbers, held until commit, and return the first. A rollback gives them back."""
    return numbering.take(session, issuer_id, f"billing.{kind.value}", year, count)


def text_of(prefix: str, country: str, kind: DocumentKind, year: int, serial: int) -> str:
    """INV-2026-00001, INVC-2026-00001; in India INV/2627/00001, whose years are two.

    Raises ValueError for a series that is longer than the law allows.
    """
    mark = f"{prefix}{_KINDS[kind]}"
    made = (
        f"{mark}/{year % 100:02d}{(year + 1) % 100:02d}/{serial:05d}"
        if country == "IN"
        else (f"{mark}-{year}-{serial:05d}")
    )
    if len(made) > LONGEST:
        raise ValueError(f"the number {made} has more than {LONGEST} characters")
    return made
