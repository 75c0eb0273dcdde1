"""Times that were kept for clients who did not pay are given back."""

from __future__ import annotations

from app.consultations import booking
from app.core.scope import Scope
from app.db.session import unit_of_work

SLICE = 500


def expire_unpaid() -> None:
    while True:
        with unit_of_work(Scope.platform("times nobody paid for")) as session:
            done = booking.expire_unpaid(session, SLICE)
        if done < SLICE:
            return
