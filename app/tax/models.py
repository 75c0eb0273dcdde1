"""Tax forms of payees: every change is a new version, none is edited."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import PayeeOwnRecord
from app.db.types import Sealed, SealedText, choice
from app.tax.states import Classification, TinKind


class W9(PayeeOwnRecord):
    """One signed Form W-9 (Rev. March 2024). The number is sealed; `tin_last4` is all that is ever shown.

    `backup_withholding`: item 2 of the certification was struck. Individuals give their name in parts, as returns
    need it; others in `entity_name`.
    """

    __tablename__ = "w9_forms"
    __append_only__ = True
    __table_args__ = (
        UniqueConstraint("payee_id", "version"),
        CheckConstraint("(entity_name IS NOT NULL) <> (last_name IS NOT NULL)", name="one_name"),
        CheckConstraint("tin_last4 ~ '^[0-9]{4}$'", name="last4"),
    )

    version: Mapped[int]
    classification: Mapped[Classification] = mapped_column(choice(Classification))
    other_classification: Mapped[str | None]
    first_name: Mapped[str | None]
    middle_name: Mapped[str | None]
    last_name: Mapped[str | None]
    suffix: Mapped[str | None]
    entity_name: Mapped[str | None]
    business_name: Mapped[str | None]
    exempt_payee_code: Mapped[str | None]
    fatca_code: Mapped[str | None]
    street: Mapped[str]
    city: Mapped[str]
    state: Mapped[str]
    zip_code: Mapped[str]
    tin_kind: Mapped[TinKind] = mapped_column(choice(TinKind))
    tin_sealed: Mapped[SealedText] = mapped_column(Sealed)
    tin_index: Mapped[str]
    tin_last4: Mapped[str]
    backup_withholding: Mapped[bool]
    certified_text_sha256: Mapped[str]
    signed_name: Mapped[str]
    signed_by_account_id: Mapped[UUID]
    signed_at: Mapped[datetime]
    signed_ip: Mapped[str | None]
    signed_user_agent: Mapped[str | None]
