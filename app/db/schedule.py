"""Due runs of the cron table: the primary key decides which scheduler wins a run."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Visibility


class ScheduleRun(Base):
    __tablename__ = "schedule_runs"
    __visibility__ = Visibility.PLATFORM

    name: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    claimed_at: Mapped[datetime] = mapped_column(server_default=func.now())
