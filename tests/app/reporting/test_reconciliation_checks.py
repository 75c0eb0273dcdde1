"""Plant each corruption of statements and closed months: the doctor names it."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.clock import today
from app.core.money import Money
from app.db.session import unit_of_work
from app.ledger import recipes
from app.ledger import service as ledger
from app.reconciliation import desk, write_offs
from app.reporting import doctor
from app.reporting.reconciliation_checks import RECONCILIATION
from tests.factories import payouts as make
from tests.factories.sent import sent
from tests.factories.statements import PLATFORM, house, imported

FAULTS = [
    ("DELETE FROM open_statement_lines", "statements.line_state"),
    ("INSERT INTO open_statement_lines SELECT id, account, booked_on, currency, amount_minor FROM statement_lines"
     " ON CONFLICT DO NOTHING", "statements.line_state"),
    ("UPDATE statement_match_parts SET amount_minor = amount_minor + 1", "statements.parts"),
    ("DELETE FROM taken_targets", "statements.taken"),
    ("INSERT INTO taken_targets SELECT 'export', a.export_id, t.match_id FROM taken_targets t"
     " JOIN payout_attempts a ON a.id = t.target_id", "statements.counted_twice"),
    ("UPDATE statement_match_parts SET amount_minor = amount_minor + 1 WHERE kind = 'suspense'", "statements.suspense"),
    ("UPDATE statement_match_parts SET amount_minor = amount_minor + 1 WHERE kind = 'write_off'",
     "statements.write_offs"),
    ("UPDATE write_offs SET decided_by_account_id = proposed_by_account_id", "statements.one_person"),
    ("UPDATE own_transfers SET status = 'arrived'", "transfers.on_their_way"),
    ("ALTER TABLE ledger_lines DISABLE TRIGGER USER; UPDATE ledger_lines SET rail = 'stripe' WHERE account = 'clearing'"
     " AND amount_minor > 0; ALTER TABLE ledger_lines ENABLE TRIGGER USER", "ledger.clearing_account"),
    ("INSERT INTO closed_months (month, numbers, closed_by) VALUES (date '2026-01-01', '{\"books\": \"1 entries\"}',"
     " 'Anna')", "months.closed"),
]  # fmt: skip


def findings() -> set[str]:
    with unit_of_work(PLATFORM) as session:
        return {finding.code for finding in doctor.examine(session)}


@pytest.mark.parametrize(("fault", "code"), FAULTS, ids=[f"{code}-{i}" for i, (_, code) in enumerate(FAULTS)])
def test_each_fault_is_named(database_url: str, superuser: Any, fault: str, code: str) -> None:
    maker, checker = make.admin("maker@quittance.test"), make.admin("checker@quittance.test")
    made = sent(maker, checker)
    number = made.payouts[0].number
    imported([(today(), number, "", "-10.00"), (today(), "?", "", "5.00"), (today(), "Fee", "", "-1.00"),
              (today(), "Later", "", "7.00")])  # fmt: skip
    superuser.execute(
        "INSERT INTO own_transfers (from_account, to_account, amount_minor, currency, reference, sent_on, status,"
        " recorded_by) VALUES ('bank', 'paypal', 100, 'GBP', 'T', now(), 'sent', 'Anna')"
    )
    with unit_of_work(PLATFORM) as session:
        ledger.post(
            session, recipes.TRANSFER_SENT, ref="t", organization_id=house(), amount=Money(100, "GBP"), rail="bank"
        )
        rows = superuser.execute("SELECT description, id FROM statement_lines").fetchall()
        lines = dict(rows)
        desk.suspend(session, maker, lines["?"], "?")
        write_offs.approve(session, checker, write_offs.propose(session, maker, lines["Fee"], "Fee").id)
    assert findings() == set()
    for statement in fault.split("; "):
        superuser.execute(statement)
    assert code in findings()


def test_every_check_has_a_planted_fault() -> None:
    assert {code for _, code in FAULTS} == {code for code, _, _ in RECONCILIATION}
