"""Where a payee is paid. The details are sealed; only `label` and `last4` are ever shown."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import PayeeOwnRecord
from app.db.types import Sealed, SealedText, choice
from app.methods.states import MethodStatus


class Method(PayeeOwnRecord):
    """`currency` None: any currency the rail takes. `details_index` finds the same destination under other payees.

    `notice_code`, `notice_said`: what the bank said of the account when it paid all the same (a NACHA C code).
    `unusable_because`: what its provider says against paying there now, in plain words; None where nothing.
    A payee has one default for each currency and one for any; the one of the bill's currency goes first.
    """

    __tablename__ = "methods"
    __table_args__ = (
        Index(
            "uq_methods_default",
            "payee_id",
            text("coalesce(currency, '')"),
            unique=True,
            postgresql_where=text("is_default AND status = 'active'"),
        ),
        Index("ix_methods_payee", "payee_id", "created_at"),
        Index("ix_methods_destination", "details_index"),
    )

    rail: Mapped[str]
    label: Mapped[str]
    last4: Mapped[str] = mapped_column(default="")
    currency: Mapped[str | None]
    details_sealed: Mapped[SealedText] = mapped_column(Sealed)
    details_index: Mapped[str]
    is_default: Mapped[bool] = mapped_column(default=True)
    status: Mapped[MethodStatus] = mapped_column(choice(MethodStatus), default=MethodStatus.ACTIVE)
    usable_from_at: Mapped[datetime]
    unusable_because: Mapped[str | None]
    added_by_account_id: Mapped[UUID | None]
    added_by: Mapped[str]
    notice_code: Mapped[str | None]
    notice_said: Mapped[str | None]
    noticed_at: Mapped[datetime | None]
