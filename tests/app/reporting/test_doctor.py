"""Plant each corruption: the doctor names it. A healthy database has no finding."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.db.session import unit_of_work
from app.deliverables.states import DeliverableStatus
from app.payouts import answering, exports
from app.rails.base import Outcome
from app.reporting import doctor
from app.reporting.billing_checks import INVOICES
from app.reporting.client_checks import CLIENTS
from app.reporting.reconciliation_checks import RECONCILIATION
from jobs import payouts as jobs
from tests.app.payouts.test_batches import approved, run
from tests.app.payouts.test_exports import answered, exported, release
from tests.factories import payables, payees, people, sales
from tests.factories import payouts as make
from tests.factories.deliverables import creator, deliverable
from tests.factories.organizations import organization
from tests.factories.payouts import PLATFORM, Shop
from tests.fakes.rail import fake_rail

pytestmark = pytest.mark.usefixtures("database_url")


def findings() -> set[str]:
    with unit_of_work(PLATFORM) as session:
        return {finding.code for finding in doctor.examine(session)}


@pytest.fixture
def paid(database_url: str) -> Shop:
    """Three payees: two paid in a batch, one with money ready; a second organization with a payee of its own."""
    maker, checker = make.admin("m@quittance.test"), make.admin("c@quittance.test")
    place = make.shop(2)
    make.earn(place, 10_00, -1_00, payee=0)
    make.earn(place, 20_00, payee=1)
    batch_id: UUID = approved(place, maker, checker)
    with fake_rail(outcome=Outcome.PAID):
        for chunk_id in run(batch_id, maker):
            jobs.run_chunk(chunk_id)
    make.earn(place, 5_00, payee=0)
    other = make.shop(1, slug="other")
    make.earn(other, 7_00)
    return place


def test_a_healthy_database_has_no_finding(paid: Shop) -> None:
    assert findings() == set()


FAULTS = [
    ("ALTER TABLE ledger_lines DISABLE TRIGGER USER; UPDATE ledger_lines SET amount_minor = amount_minor + 1 "
     "WHERE id = (SELECT id FROM ledger_lines LIMIT 1); ALTER TABLE ledger_lines ENABLE TRIGGER USER",
     "ledger.zero_sum"),
    ("INSERT INTO ledger_entries (organization_id, kind, ref) SELECT id, 'x', 'y' FROM organizations LIMIT 1",
     "ledger.empty_entry"),
    ("UPDATE ledger_balances SET balance_minor = balance_minor + 1 WHERE account = 'funds'", "ledger.balance"),
    ("DELETE FROM ready_earnings", "ledger.queues"),
    ("DELETE FROM ready_earnings", "ledger.receivable"),
    ("UPDATE payout_attempts SET status = 'accepted'", "ledger.clearing"),
    ("DELETE FROM ready_earnings", "earning.parts"),
    ("UPDATE payout_items SET amount_minor = amount_minor + 1 WHERE amount_minor = 2000", "payout.items"),
    ("DELETE FROM payout_attempts", "payout.paid_without_evidence"),
    ("UPDATE payout_attempts SET evidence = NULL", "payout.paid_without_evidence"),
    ("INSERT INTO payout_attempts (organization_id, payee_id, payout_id, number, rail, key, request_sha256, status) "
     "SELECT organization_id, payee_id, payout_id, 2, rail, key || 'x', 'x', 'succeeded' FROM payout_attempts",
     "payout.paid_twice"),
    ("UPDATE payout_attempts SET fee_minor = 20, fee_currency = 'GBP'", "payout.fee"),
    ("DELETE FROM payout_approvals", "payout.unapproved"),
    ("UPDATE payouts SET funded = false", "payout.unfunded"),
    ("UPDATE payout_items SET organization_id = (SELECT id FROM organizations WHERE slug = 'other')", "tenancy.items"),
    ("SET session_replication_role = replica; UPDATE payout_items SET payout_id = uuidv7(); "
     "SET session_replication_role = DEFAULT", "tenancy.items"),
    ("UPDATE ready_earnings SET currency = 'USD'", "tenancy.queues"),
    ("SET session_replication_role = replica; UPDATE payout_attempts SET organization_id = "
     "(SELECT id FROM organizations WHERE slug = 'other'); SET session_replication_role = DEFAULT", "tenancy.attempts"),
    ("SET session_replication_role = replica; UPDATE payouts SET method_id = (SELECT m.id FROM methods m "
     "JOIN engagements e USING (payee_id) JOIN organizations o ON o.id = e.organization_id WHERE o.slug = 'other'); "
     "SET session_replication_role = DEFAULT", "tenancy.methods"),
    ("UPDATE batches SET organization_id = (SELECT id FROM organizations WHERE slug = 'other')", "tenancy.batches"),
    ("UPDATE outbox SET failed_at = now(), last_error = 'boom'", "outbox.failed"),
    ("UPDATE outbox SET due_at = now() - interval '11 minutes', done_at = NULL", "outbox.stale"),
    ("INSERT INTO webhook_events (source, event_id, event, status) VALUES ('simulated', '1', '{}', 'failed')",
     "webhooks.failed"),
    ("INSERT INTO webhook_events (source, event_id, event, status, created_at) VALUES "
     "('simulated', '1', '{}', 'received', now() - interval '11 minutes')", "webhooks.stale"),
    ("INSERT INTO webhook_events (source, event_id, event, status, body, created_at) VALUES "
     "('simulated', '1', '{}', 'applied', '{}', now() - interval '61 minutes')", "webhooks.unsealed"),
    ("UPDATE payout_attempts SET status = 'unknown', created_at = now() - interval '2 hours'", "attempts.unknown"),
    ("UPDATE batches SET status = 'running', started_at = now() - interval '2 hours'; DELETE FROM outbox",
     "batches.stuck"),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "code"), FAULTS, ids=[f"{code}-{i}" for i, (_, code) in enumerate(FAULTS)])
def test_each_planted_fault_is_named(paid: Shop, superuser, fault: str, code: str) -> None:
    for statement in fault.split("; "):
        superuser.execute(statement)
    assert code in findings()


def test_simulated_payouts_in_live_mode_are_named(paid: Shop) -> None:
    from tests.stores import environment

    with environment(QUITTANCE_MODE="live"):
        assert "payout.simulated_in_live" in findings()


def test_an_overdrawn_organization_is_named(paid: Shop, superuser) -> None:
    superuser.execute("UPDATE ledger_balances SET balance_minor = -1 WHERE account = 'funds'")
    assert "funds.over_limit" in findings()


def test_a_payout_paid_by_a_file_nobody_released_is_named(database_url: str, superuser) -> None:
    maker, checker = make.admin("m@quittance.test"), make.admin("c@quittance.test")
    _, _, export_id = exported(maker, checker)
    release(export_id, checker)
    with unit_of_work(PLATFORM) as session:
        answering.answer(session, checker, export_id, answered(exports.download(session, checker, export_id)[1]))
    assert findings() == set()
    superuser.execute("UPDATE payout_exports SET status = 'ready'")
    assert "payout.file_not_released" in findings()


@pytest.mark.parametrize("change", ["amount_minor = 7, approved_minor = 7", "currency = 'USD'"])
def test_an_earning_that_is_not_its_request_is_named(database_url: str, superuser, change: str) -> None:
    oxford = organization()
    payables.approved(oxford, people.payee(payees.vendor(oxford)))
    assert findings() == set()
    superuser.execute(f"UPDATE payment_requests SET {change}")
    assert "tenancy.requests" in findings()


@pytest.mark.parametrize(
    "fault",
    [
        "UPDATE deliverables SET fee_minor = fee_minor + 1",
        "UPDATE deliverables SET status = 'submitted'",
        "INSERT INTO deliverables (organization_id, payee_id, reference, title, brief, content, status, fee_minor, "
        "currency, submissions, moved_at, moved_by) SELECT organization_id, payee_id, 'DLV-X', '', '', content, "
        "status, fee_minor, currency, 1, moved_at, moved_by FROM deliverables",
    ],
)
def test_a_fee_that_is_not_owed_as_agreed_is_named(database_url: str, superuser, fault: str) -> None:
    oxford = organization()
    deliverable(oxford, creator(oxford), DeliverableStatus.APPROVED, fee=450_00)
    deliverable(oxford, creator(oxford, "Free", "free@creator.test"), DeliverableStatus.APPROVED)
    assert findings() == set()
    superuser.execute(f"{fault} WHERE fee_minor IS NOT NULL")
    assert "deliverable.fee" in findings()


SALES_FAULTS = [
    ("UPDATE orders SET commission = 'dismissed' WHERE external_id = '1'", "sales.commission"),
    ("UPDATE orders SET commission_bps = commission_bps + 100 WHERE external_id = '1'", "sales.commission"),
    ("ALTER TABLE earnings DISABLE TRIGGER USER; UPDATE earnings SET amount_minor = amount_minor - 1 "
     "WHERE kind = 'reversal'; ALTER TABLE earnings ENABLE TRIGGER USER", "sales.commission"),
    ("UPDATE orders SET commission = 'earned', payee_id = (SELECT payee_id FROM discount_codes LIMIT 1), "
     "discount_code_id = (SELECT id FROM discount_codes LIMIT 1), commission_bps = 1500 WHERE external_id = '2'",
     "sales.commission"),
    ("UPDATE engagements SET commission_bps = commission_bps + 100", "sales.rate"),
    ("DELETE FROM commission_rates", "sales.rate"),
    ("UPDATE order_changes SET taken_minor = taken_minor + 1", "sales.taken_back"),
    ("UPDATE order_changes SET order_id = NULL", "sales.waiting_change"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "code"), SALES_FAULTS, ids=[f"{code}-{i}" for i, (_, code) in enumerate(SALES_FAULTS)]
)
def test_orders_that_do_not_add_up_are_named(database_url: str, superuser, fault: str, code: str) -> None:
    brand = organization(currency="USD")
    sales.code(brand, sales.creator(brand).id)
    sales.recorded(brand, sales.order("1"), sales.order("2", 50_00, "OTHER"), sales.order("3", 1))
    sales.changed(brand, sales.refund("r", 33_33, order_id="1"), sales.refund("early", 10_00, order_id="later"))
    assert findings() == set()
    for statement in fault.split("; "):
        superuser.execute(statement)
    assert code in findings()


def test_every_check_has_a_planted_fault() -> None:
    planted = {code for _, code in FAULTS} | {"payout.simulated_in_live", "funds.over_limit"}
    planted |= {"payout.file_not_released", "tenancy.requests", "deliverable.fee"} | {code for _, code in SALES_FAULTS}
    planted |= {code for code, _, _ in (*CLIENTS, *INVOICES, *RECONCILIATION)}  # in tests of their own
    assert {check.code for check in doctor.CHECKS} == planted
