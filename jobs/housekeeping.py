"""Daily: what has served its time goes, in slices."""

from __future__ import annotations

from collections.abc import Callable

from app.consultations import applications as consultants
from app.core.scope import Scope
from app.db import idempotency, outbox, schedule
from app.db.session import ScopedSession, unit_of_work
from app.identity import api_keys, passkeys, passwords, service, sessions
from app.notify import notices
from app.payees import applications

SLICE = 10_000
# Each removes at most SLICE rows and says how many.
TIDIERS: tuple[Callable[[ScopedSession, int], int], ...] = (
    idempotency.forget_old,
    passwords.forget_old_guards,
    service.forget_old_links,
    sessions.forget_old,
    api_keys.forget_old,
    passkeys.forget_old_challenges,
    applications.forget_unconfirmed,
    notices.forget_old,
    consultants.forget_pictures,
    outbox.forget_done,
    schedule.forget_old,
)


def tidy() -> None:
    for forget in TIDIERS:
        while True:
            with unit_of_work(Scope.platform("housekeeping")) as session:
                if forget(session, SLICE) < SLICE:
                    break
