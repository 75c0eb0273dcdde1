"""Once is once: a form or call that moves money carries a key, and a repeat gets the first answer again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import utc_now
from app.core.errors import Invalid
from app.db.base import PlatformRecord
from app.db.session import ScopedSession
from app.db.tidying import remove
from app.db.types import new_id

KEPT = timedelta(days=7)


class IdempotencyKey(PlatformRecord):
    """`owner_id` is the account or API key that sent it; `answer` is None until the first one has succeeded."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("owner_id", "key"),)

    owner_id: Mapped[UUID]
    key: Mapped[str]
    request_sha256: Mapped[str]
    answer: Mapped[dict[str, Any] | None]
    used_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True, slots=True)
class Claim:
    """`first_answer` is None for the one who may act; a repeat finds what the first was told."""

    id: UUID
    first_answer: dict[str, Any] | None


def claim(session: ScopedSession, owner_id: UUID, key: str, request_sha256: str) -> Claim:
    """Take `key` within this transaction; somebody sending the same key at the same moment waits for our end.

    A transaction that rolls back gives the key back. Raises Invalid when the key was used for another request.
    """
    with session.elevated("idempotency"):
        made = session.scalar(
            insert(IdempotencyKey)
            .values(id=new_id(), owner_id=owner_id, key=key, request_sha256=request_sha256, used_at=utc_now())
            .on_conflict_do_nothing(index_elements=["owner_id", "key"])
            .returning(IdempotencyKey.id)
        )
        if made is not None:
            return Claim(made, None)
        found = session.execute(
            select(IdempotencyKey.id, IdempotencyKey.request_sha256, IdempotencyKey.answer).where(
                IdempotencyKey.owner_id == owner_id, IdempotencyKey.key == key
            )
        ).one()
    if found.request_sha256 != request_sha256:
        raise Invalid(
            "This was sent before with other contents. Reload the page and fill it in again, or send it with a new key."
        )
    return Claim(found.id, found.answer or {})


def remember(session: ScopedSession, claim_id: UUID, answer: dict[str, Any]) -> None:
    """Keep what the first one was told, for repeats. `answer` is JSON without secrets."""
    with session.elevated("idempotency"):
        session.execute(update(IdempotencyKey).where(IdempotencyKey.id == claim_id).values(answer=answer))


def forget_old(session: ScopedSession, limit: int) -> int:
    """Remove at most `limit` keys older than a week; returns how many."""
    return remove(session, IdempotencyKey, IdempotencyKey.used_at < utc_now() - KEPT, limit)
