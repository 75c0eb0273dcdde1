"""Files of appointments, between the upload and the job that writes them down."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.consultations.states import ImportStatus
from app.db.base import OrganizationRecord
from app.db.types import choice


class AppointmentImport(OrganizationRecord):
    """`content` is what was read of the file, until it is imported or given up. `summary` counts what was read and,
    while the job runs, how far it is (`at`) and what came of it.
    """

    __tablename__ = "appointment_imports"
    __table_args__ = (Index("ix_appointment_imports_newest", "organization_id", "created_at", "id"),)

    file_name: Mapped[str]
    file_sha256: Mapped[str]
    content: Mapped[dict[str, Any] | None]
    status: Mapped[ImportStatus] = mapped_column(choice(ImportStatus), default=ImportStatus.UPLOADED)
    summary: Mapped[dict[str, Any]]
    imported_by: Mapped[str]
    imported_by_account_id: Mapped[UUID | None]
    finished_at: Mapped[datetime | None]
