"""Gapless numbers: taken under a row lock in the transaction that uses them, so a rollback gives them back."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import UniqueConstraint, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.db.base import OrganizationRecord


class NumberSeries(OrganizationRecord):
    __tablename__ = "number_series"
    __table_args__ = (UniqueConstraint("organization_id", "series", "year"),)

    series: Mapped[str]
    year: Mapped[int]
    last: Mapped[int] = mapped_column(default=0)


_TAKE = text(
    """INSERT INTO number_series (organization_id, series, year, last) VALUES (:organization_id, :series, :year, :count)
    ON CONFLICT (organization_id, series, year) DO UPDATE SET last = number_series.last + :count RETURNING last"""
)


def take(session: Session, organization_id: UUID, series: str, year: int, count: int = 1) -> int:
    """Take `count` consecutive numbers of a series and return the first. `year` 0: the series never restarts."""
    last = session.execute(
        _TAKE, {"organization_id": organization_id, "series": series, "year": year, "count": count}
    ).scalar_one()
    return int(last) - count + 1
