"""Organizations: what follows from a launch, and the end of drafts nobody launched."""

from __future__ import annotations

from uuid import UUID

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.files.storage import storage
from app.metadata import metadata
from app.organizations import launched as following

SLICE = 100


def launched(organization_id: str) -> None:
    """Invite the team the wizard was told of. Run again, nobody is invited twice."""
    with unit_of_work(Scope.platform("an organization was launched")) as session:
        following.invite_team(session, UUID(organization_id))


def forget_drafts() -> None:
    """Drafts a day old that nothing hangs on, a slice at a time. Bytes left behind by a fault belong to nobody."""
    while True:
        with unit_of_work(Scope.platform("drafts nobody launched")) as session:
            removed, keys = following.forget_stale(session, list(metadata.tables.values()), SLICE)
        for key in keys:
            storage().delete(key)
        if removed < SLICE:
            return
