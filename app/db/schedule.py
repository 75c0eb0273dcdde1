"""Due runs of the cron table: the primary key decides which scheduler wins a run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Mapped, aliased, mapped_column

from app.core.clock import utc_now
from app.db.base import Base, Visibility
from app.db.session import ScopedSession

KEPT = timedelta(days=60)


class ScheduleRun(Base):
    __tablename__ = "schedule_runs"
    __visibility__ = Visibility.PLATFORM

    name: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    claimed_at: Mapped[datetime] = mapped_column(server_default=func.now())


def forget_old(session: ScopedSession, _limit: int) -> int:
    """Remove runs older than two months, but never the newest of a name: the next run is counted from it."""
    newer = aliased(ScheduleRun)
    later = select(newer.name).where(newer.name == ScheduleRun.name, newer.due_at > ScheduleRun.due_at).exists()
    with session.elevated("old runs"):
        gone: Any = session.execute(
            delete(ScheduleRun).where(ScheduleRun.due_at < utc_now() - KEPT, later),
            execution_options={"synchronize_session": False},
        )
        return int(gone.rowcount)
