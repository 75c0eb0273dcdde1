"""Planning a batch against the obvious SQL: INSERT payouts by GROUP BY, then UPDATE earnings from them.

    python -m bench.planning [--earnings 1000000] [--payees 100000] [--rounds 3]

Ours is `batches.plan`: payouts with their method, items, reserving entries with lines and balances, and timeline, under
row-level security and foreign keys. The obvious SQL writes payouts and a state and payout on each earning, nothing
else; its tables have a key, a partial index of what is ready, one for the history and one by payout, and no foreign
keys. Every run works on a fresh copy of the same database and includes its commit.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.core.scope import SYSTEM, Scope, operator
from app.db.session import engine, unit_of_work
from app.payouts import batches
from bench import fill
from bench.ground import Ground, alternating, goal, ground, say, table, timed

OBVIOUS_TABLES = """
CREATE SCHEMA obvious AUTHORIZATION quittance;
CREATE TABLE obvious.payouts (
    id uuid PRIMARY KEY DEFAULT uuidv7(), organization_id uuid NOT NULL, payee_id uuid NOT NULL, batch_id uuid,
    amount_minor bigint NOT NULL, currency text NOT NULL, rail text NOT NULL, method_id uuid, status text NOT NULL,
    requested_by text NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON obvious.payouts (organization_id, status, created_at, id);
CREATE INDEX ON obvious.payouts (payee_id, created_at, id);
CREATE INDEX ON obvious.payouts (batch_id, id);
CREATE TABLE obvious.earnings AS
    SELECT id, organization_id, payee_id, kind, amount_minor, currency, basis_minor, rule, rule_version, share_bps,
        source_kind, source_id, earned_on, description, reference, 'ready' AS status, CAST(NULL AS uuid) AS payout_id,
        created_at
    FROM earnings;
ALTER TABLE obvious.earnings ADD PRIMARY KEY (id);
CREATE INDEX ON obvious.earnings (organization_id, payee_id, currency) WHERE status = 'ready';
CREATE INDEX ON obvious.earnings (payee_id, created_at, id);
CREATE INDEX ON obvious.earnings (payout_id);
ALTER TABLE obvious.earnings OWNER TO quittance;
ALTER TABLE obvious.payouts OWNER TO quittance;
"""
INSERT = """INSERT INTO obvious.payouts
        (organization_id, payee_id, batch_id, amount_minor, currency, rail, status, requested_by)
    SELECT organization_id, payee_id, :batch_id, sum(amount_minor), currency, 'simulated', 'pending', 'bench'
    FROM obvious.earnings WHERE organization_id = :organization_id AND status = 'ready'
    GROUP BY organization_id, payee_id, currency"""
UPDATE = """UPDATE obvious.earnings e SET status = 'reserved', payout_id = p.id FROM obvious.payouts p
    WHERE p.batch_id = :batch_id AND e.organization_id = p.organization_id AND e.payee_id = p.payee_id
    AND e.currency = p.currency AND e.status = 'ready'"""


def obvious(organization_id: UUID) -> None:
    with Session(engine()) as session, session.begin():
        batch_id = session.execute(text("SELECT uuidv7()")).scalar_one()
        session.execute(text(INSERT), {"organization_id": organization_id, "batch_id": batch_id})
        session.execute(text(UPDATE), {"batch_id": batch_id})


def ours(batch_id: UUID, expected: int) -> None:
    with unit_of_work(Scope.platform("plan a batch")) as session:
        count = batches.plan(session, SYSTEM, batch_id)
    if count != expected:
        raise SystemExit(f"planned {count} payouts instead of {expected}")


def _prepare(place: Ground, payees: int, earnings: int) -> tuple[UUID, UUID]:
    """Fill the template; the organization and a batch of it that waits to be planned."""
    with place.filling() as session:
        organization_id, payee_ids = fill.organization(session, "planning", payees)
        fill.ready_earnings(session, organization_id, payee_ids, earnings)
        session.execute(text(OBVIOUS_TABLES))
    with unit_of_work(Scope.platform("make a batch")) as session:
        batch_id = batches.create(session, operator("bench"), organization_id).id
    return organization_id, batch_id


def _written(place: Ground, name: str) -> int:
    """Where the log of changes stands, in bytes."""
    with place.superuser(name) as connection:
        row = connection.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')").fetchone()
    assert row is not None
    return int(row[0])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--earnings", type=int, default=1_000_000)
    options.add_argument("--payees", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    payees = min(chosen.payees, chosen.earnings)
    wal: dict[str, int] = {}
    with ground() as place:
        say(f"filling {chosen.earnings:,} earnings of {payees:,} payees")
        organization_id, batch_id = _prepare(place, payees, chosen.earnings)

        def of_obvious() -> float:
            with place.copy("obvious_run") as name:
                before = _written(place, name)
                seconds = timed(lambda: obvious(organization_id))
                wal["obvious"] = _written(place, name) - before
            return seconds

        def of_ours() -> float:
            with place.copy("our_run") as name:
                before = _written(place, name)
                seconds = timed(lambda: ours(batch_id, payees))
                wal["ours"] = _written(place, name) - before
            return seconds

        medians = alternating({"obvious SQL": of_obvious, "ours": of_ours}, chosen.rounds)
    ratio = medians["ours"] / medians["obvious SQL"]
    table(
        f"Planning {chosen.earnings:,} ready earnings of {payees:,} payees",
        ("way", "seconds", "ratio", "WAL MiB"),
        [
            ("obvious SQL: payouts, state of earnings", f"{medians['obvious SQL']:.2f}", "1.00", wal["obvious"] >> 20),
            ("ours: payouts, items, books, timeline", f"{medians['ours']:.2f}", f"{ratio:.2f}", wal["ours"] >> 20),
        ],
    )
    print(goal("plan against the obvious SQL", ratio, most=0.6))


if __name__ == "__main__":
    main()
