"""Payouts that went to the bank by a released file, and the desk around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.core.scope import Actor
from app.db.session import unit_of_work
from app.payouts import exports
from jobs import payouts as jobs
from tests.app.payouts.test_batches import approved, run
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop


@dataclass(frozen=True)
class Sent:
    """A released export: one payout for each payee, of 10.00, 10.01, … in GBP."""

    place: Shop
    export_id: UUID
    payouts: list[Any]  # id, key, number (as people know it), rail_reference, amount_minor; smallest amount first

    @property
    def total(self) -> str:
        return f"{sum(row.amount_minor for row in self.payouts) / 100:.2f}"


def sent(maker: Actor, checker: Actor, *, payees: int = 3, rail: str = "bank_file", slug: str = "shop") -> Sent:
    place = make.shop(payees, rail=rail, slug=slug)
    for payee in range(payees):
        make.earn(place, 10_00 + payee, payee=payee)
    for chunk_id in run(approved(place, maker, checker), maker):
        jobs.run_chunk(chunk_id)
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT id FROM payout_exports WHERE organization_id = :id")
        export_id = session.execute(query, {"id": place.organization_id}).scalar_one()
        exports.release(session, checker, export_id)
    with unit_of_work(PLATFORM) as session:
        rows = session.execute(
            text(
                """SELECT p.id, a.id AS attempt_id, a.key, 'Q-' || upper(right(p.id::text, 8)) AS number,
                    a.rail_reference, p.amount_minor
                FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id WHERE a.export_id = :id
                ORDER BY p.amount_minor"""
            ),
            {"id": export_id},
        ).all()
    return Sent(place, export_id, list(rows))


def states(of: Sent) -> list[str]:
    """The status of each payout, smallest amount first."""
    with unit_of_work(PLATFORM) as session:
        rows = session.execute(
            text("SELECT status FROM payouts WHERE id = ANY(:ids) ORDER BY amount_minor"),
            {"ids": [row.id for row in of.payouts]},
        )
        return [row.status for row in rows]
