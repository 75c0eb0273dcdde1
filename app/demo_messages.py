"""Messages of the demo: a question that was answered, and one that waits."""

from __future__ import annotations

from uuid import UUID

from app.core.scope import Actor
from app.db.session import ScopedSession
from app.messages import service


def load(session: ScopedSession, organization_id: UUID, owner: Actor, vendor: Actor, creator: Actor) -> None:
    assert vendor.payee_id is not None and creator.payee_id is not None
    first = service.start(
        session, vendor, organization_id, vendor.payee_id, subject="Window graphics: proofs before Friday?",
        body="Hello Maya,\n\nthe film arrives on Thursday. Do you want printed proofs of the two corner windows first?",
    )  # fmt: skip
    service.post(session, owner, first.thread_id, "Yes please, for the north side only. The rest can go ahead.")
    service.read(session, vendor, first.thread_id, 2)
    service.post(session, vendor, first.thread_id, "Good, you have them on Wednesday.")
    service.start(
        session, owner, organization_id, creator.payee_id, subject="Studio tour reel",
        body="The reel is lovely. Could you send us the version without music as well?",
    )  # fmt: skip
