"""What banks know of whoever gives them files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import OrganizationRecord
from app.db.types import Sealed, SealedText, choice
from app.rails.originators import ProfileKind


class BankProfile(OrganizationRecord):
    """The payer of bank files of one kind; the house's stands for every organization without its own.

    `details` holds the fields that are no secret, `secrets_sealed` the account that is debited, `shown` its last four.
    """

    __tablename__ = "bank_profiles"
    __table_args__ = (UniqueConstraint("organization_id", "kind"),)

    kind: Mapped[ProfileKind] = mapped_column(choice(ProfileKind))
    details: Mapped[dict[str, Any]]
    secrets_sealed: Mapped[SealedText | None] = mapped_column(Sealed)
    shown: Mapped[str] = mapped_column(default="", server_default="")
    changed_by: Mapped[str]
    changed_at: Mapped[datetime]
