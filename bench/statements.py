"""A large statement, imported and matched, against the obvious set-based SQL.

    python -m bench.statements [--lines 20000] [--rounds 3]

Ours is `jobs.reconciliation.import_statement`: the CSV read, checked and written in pieces, every line known again in
later files, matched kind by kind with what is doubtful left alone, payouts paid by it, with books, timeline, evidence,
outbox and audit. Once more with lines and payouts of one amount and without a reference, so that nothing tells them
apart and every line waits.

The obvious SQL, in one transaction on the same tables: the file by COPY, lines by INSERT … SELECT, matches by a join on
the reference, payouts and attempts by UPDATE, a posting and a timeline row for each. Every run works on a fresh copy of
the same database and includes its commits.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.billing.profiles import house_of
from app.core.scope import SYSTEM, Scope, operator
from app.core.tables.choices import Choices
from app.db.session import unit_of_work
from app.files.models import FilePurpose, StoredFile
from app.files.storage import storage
from app.organizations import service as organizations
from app.rails import registry
from app.reconciliation import statements
from app.reconciliation.states import StatementKind
from bench import sending
from bench.ground import Ground, alternating, goal, ground, say, table, timed
from jobs import payouts as payout_jobs
from jobs import reconciliation

_PLATFORM = Scope.platform("bench of statements")
_BY_FILE = """WITH made AS (
        INSERT INTO payout_exports (organization_id, number, rail, currency, status, line_count, total_minor,
            lines_sealed, file_sha256, made_by, released_by, released_at)
        SELECT organization_id, 'EX-BENCH', 'bank_file', 'GBP', 'released', count(*), sum(amount_minor), '', '',
            'Maker', 'Checker', now() FROM payouts GROUP BY organization_id RETURNING id
    ), files AS (UPDATE payout_attempts SET rail = 'bank_file', export_id = (SELECT id FROM made))
    UPDATE payouts SET rail = 'bank_file'"""
_SENT = """SELECT a.key, p.amount_minor, y.name FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id
    JOIN payees y ON y.id = p.payee_id WHERE a.status = 'accepted' ORDER BY a.key"""
HEADINGS = ("Date", "Description", "Counterparty", "Reference", "Amount", "Currency", "Balance")


def _prepare(place: Ground, lines: int) -> bytes:
    """As many payouts that went to the bank by one file; the bank's CSV of them."""
    with unit_of_work(_PLATFORM) as session:
        organizations.create(session, operator("bench"), name="House", currency="GBP", is_house=True)
    sending.prepare(place, lines)
    registry.RAILS["simulated"] = sending.AtOnce()
    for chunk_id in sending.chunks():
        payout_jobs.run_chunk(chunk_id)
    with place.filling() as session:
        session.execute(text(_BY_FILE))
    with unit_of_work(_PLATFORM) as session:
        return _csv([tuple(row) for row in session.execute(text(_SENT))])


def _csv(sent: Sequence[tuple[str, int, str]]) -> bytes:
    table_of, balance = io.StringIO(), 0
    rows = csv.writer(table_of, lineterminator="\n")
    rows.writerow(HEADINGS)
    for reference, minor, name in sent:
        balance -= minor
        amounts = (f"{-minor / 100:.2f}", "GBP", f"{balance / 100:.2f}")
        rows.writerow((date.today(), "Credit transfer", name, reference, *amounts))
    return table_of.getvalue().encode()


def _confirmed(body: bytes) -> UUID:
    """Uploaded and agreed to; the job is what is measured."""
    key = storage().put(body)
    with unit_of_work(_PLATFORM) as session:
        stored = StoredFile(
            organization_id=house_of(session), purpose=FilePurpose.RETURNS, name="bank.csv", content_type="text/csv",
            size_bytes=len(body), content_sha256="0" * 64, storage_key=key, uploaded_by="bench",
        )  # fmt: skip
        session.add(stored)
        session.flush()
        made = statements.keep(
            session, SYSTEM, account="bank", currency="GBP", kind=StatementKind.CSV, file_id=stored.id,
            name="bank.csv", sha256="0" * 64, choices=Choices(),
        )  # fmt: skip
        statements.confirm(session, SYSTEM, made.id, statements.read(made, body), skip_faulty=False)
        return made.id


_LINES = """WITH made AS (
        INSERT INTO statement_lines (statement_id, account, line, booked_on, currency, amount_minor, balance_minor,
            description, counterparty, reference, bank_reference, tokens, dedupe_key)
        SELECT CAST(:statement_id AS uuid), 'bank', row_number() OVER (), day, currency,
            CAST(amount * 100 AS bigint), CAST(balance * 100 AS bigint), words, name, reference, '', ARRAY[reference],
            md5(concat_ws('|', day, currency, amount, words, name, reference)) FROM told
        RETURNING id, account, booked_on, currency, amount_minor
    ) INSERT INTO open_statement_lines (line_id, account, booked_on, currency, amount_minor) SELECT * FROM made"""
_MATCHES = """CREATE TEMPORARY TABLE hit ON COMMIT DROP AS
    SELECT uuidv7() AS match_id, l.id AS line_id, l.amount_minor, a.id AS attempt_id, a.key, p.id AS payout_id,
        p.organization_id, p.payee_id
    FROM open_statement_lines o JOIN statement_lines l ON l.id = o.line_id JOIN payout_attempts a ON a.key = l.reference
    JOIN payouts p ON p.id = a.payout_id AND p.amount_minor = -l.amount_minor AND p.currency = l.currency"""
_ENTRY = """WITH entry AS (
        INSERT INTO ledger_entries (organization_id, kind, ref)
        SELECT organization_id, 'payout_paid', key FROM hit RETURNING id, organization_id, ref
    ) INSERT INTO ledger_lines (entry_id, organization_id, account, rail, currency, amount_minor)
    SELECT e.id, e.organization_id, side.account, 'bank', 'GBP', side.sign * h.amount_minor
    FROM entry e JOIN hit h ON h.key = e.ref
    CROSS JOIN (VALUES ('clearing', 1), ('cash', -1)) AS side (account, sign)"""
OBVIOUS = (
    _LINES,
    _MATCHES,
    "ANALYZE hit",
    """INSERT INTO statement_matches (id, line_id, resolution, how, made_by)
    SELECT match_id, line_id, 'matched', 'reference', 'bench' FROM hit""",
    """INSERT INTO statement_match_parts (match_id, position, kind, target_id, amount_minor)
    SELECT match_id, 1, 'payout', attempt_id, amount_minor FROM hit""",
    "INSERT INTO taken_targets (kind, target_id, match_id) SELECT 'payout', attempt_id, match_id FROM hit",
    "DELETE FROM open_statement_lines o USING hit WHERE hit.line_id = o.line_id",
    """UPDATE payout_attempts a SET status = 'succeeded', settled_at = now(),
        evidence = jsonb_build_object('succeeded', jsonb_build_object('by', 'statement', 'line', hit.line_id))
    FROM hit WHERE hit.attempt_id = a.id""",
    """UPDATE payouts p SET status = 'paid', status_at = now(), paid_at = now() FROM hit WHERE hit.payout_id = p.id""",
    """INSERT INTO timeline_events (organization_id, payee_id, subject_kind, subject_id, at, actor, from_state,
        to_state, note) SELECT organization_id, payee_id, 'payout', payout_id, now(), 'bench', 'processing', 'paid',
        'The rail confirmed it.' FROM hit""",
    _ENTRY,
)


def obvious(statement_id: UUID, body: bytes) -> None:
    with unit_of_work(_PLATFORM) as session:
        session.execute(
            text(
                """CREATE TEMPORARY TABLE told (day date, words text, name text, reference text, amount numeric,
                currency text, balance numeric) ON COMMIT DROP"""
            )
        )
        cursor: Any = session.connection().connection.cursor()
        with cursor.copy("COPY told FROM STDIN (FORMAT csv, HEADER)") as copy:
            copy.write(body)
        session.execute(text("ANALYZE told"))
        for statement in OBVIOUS:
            session.execute(text(statement), {"statement_id": statement_id} if ":statement_id" in statement else {})


def _expect(lines: int, matched: int) -> None:
    with unit_of_work(_PLATFORM) as session:
        paid = session.scalar(text("SELECT count(*) FROM payouts WHERE status = 'paid'"))
        taken = session.scalar(text("SELECT count(*) FROM taken_targets"))
        left = session.scalar(text("SELECT count(*) FROM open_statement_lines"))
    if (paid, taken, left) != (matched, matched, lines - matched):
        raise SystemExit(f"of {lines} lines {taken} were matched, {left} wait, {paid} payouts are paid")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--lines", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    with ground() as place:
        say(f"filling {chosen.lines:,} payouts that went to the bank by a file")
        body = _prepare(place, chosen.lines)

        def of_obvious() -> float:
            with place.copy("obvious_run"):
                made = _confirmed(body)
                seconds = timed(lambda: obvious(made, body))
                _expect(chosen.lines, chosen.lines)
                return seconds

        def of_ours() -> float:
            with place.copy("our_run"):
                made = str(_confirmed(body))
                seconds = timed(lambda: reconciliation.import_statement(made))
                _expect(chosen.lines, chosen.lines)
                return seconds

        def alike() -> float:
            with place.copy("alike_run") as name:
                with place.superuser(name) as connection:
                    connection.execute("UPDATE payouts SET amount_minor = 5000")
                made = str(_confirmed(_csv([("", 50_00, "")] * chosen.lines)))
                seconds = timed(lambda: reconciliation.import_statement(made))
                _expect(chosen.lines, 0)
                return seconds

        ways = {"obvious SQL": of_obvious, "ours": of_ours, "all alike": alike}
        medians = alternating(ways, chosen.rounds)
    ratio, waiting = (medians[way] / medians["obvious SQL"] for way in ("ours", "all alike"))
    table(
        f"A statement of {chosen.lines:,} lines against as many payouts",
        ("way", "seconds", "ratio"),
        [
            ("obvious SQL: lines, a join, payouts paid, books, timeline", f"{medians['obvious SQL']:.2f}", "1.00"),
            ("ours: read, checked, known again, matched, settled", f"{medians['ours']:.2f}", f"{ratio:.2f}"),
            ("ours, nothing tells lines or payouts apart", f"{medians['all alike']:.2f}", f"{waiting:.2f}"),
        ],
    )
    print(goal("import and match a statement against the obvious SQL", ratio, most=2.5))
    print(goal("import lines that nothing tells apart against the same", waiting, most=2.0))


if __name__ == "__main__":
    main()
