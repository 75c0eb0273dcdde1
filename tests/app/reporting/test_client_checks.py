"""Plant each corruption of clients' money: the doctor names it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.core import clock
from app.db.session import unit_of_work
from app.reporting.client_checks import CLIENTS
from tests.app.consultations.test_credits import EARLY, Place, cancel
from tests.app.consultations.test_money import back, clinic_session, paid, returned
from tests.app.reporting.test_doctor import findings
from tests.factories.organizations import provides
from tests.factories.people import PLATFORM
from tests.stores import environment

FAULTS = [
    ("ALTER TABLE charges DISABLE TRIGGER USER; UPDATE charges SET fee_minor = fee_minor + 1; "
     "ALTER TABLE charges ENABLE TRIGGER USER", "clients.charge"),
    ("ALTER TABLE earnings DISABLE TRIGGER USER; UPDATE earnings SET amount_minor = amount_minor + 1 "
     "WHERE source_kind = 'consultation_share'; ALTER TABLE earnings ENABLE TRIGGER USER", "clients.charge"),
    ("ALTER TABLE charge_returns DISABLE TRIGGER USER; UPDATE charge_returns SET fee_minor = fee_minor + 1; "
     "ALTER TABLE charge_returns ENABLE TRIGGER USER", "clients.return"),
    *(("UPDATE earnings SET amount_minor = amount_minor + 1 WHERE source_kind = 'consultation_organization" + end + "'",
       "clients.organization") for end in ("", "_return")),
    ("UPDATE earnings SET source_kind = 'lost' WHERE source_kind = 'consultation_organization'",
     "clients.organization"),
    ("UPDATE charges SET refunded_minor = refunded_minor - 1 WHERE refunded_minor > 0", "clients.refunded"),
    ("ALTER TABLE charge_returns DISABLE TRIGGER USER; UPDATE charge_returns SET status = 'came_back'; "
     "ALTER TABLE charge_returns ENABLE TRIGGER USER", "clients.came_back"),
    ("UPDATE charges SET processor_fee_minor = 1, processor_fee_currency = 'INR'", "clients.processor_fee"),
    ("UPDATE credit_uses SET returned_at = now() WHERE ordinal = 2", "clients.prepaid"),
    ("DELETE FROM credit_uses WHERE ordinal = 2", "clients.prepaid"),
    ("UPDATE ledger_lines SET currency = 'GBP' WHERE account = 'prepaid_credits'", "clients.prepaid"),
    ("UPDATE credit_uses SET value_minor = value_minor + 1 WHERE ordinal = 2", "clients.credits"),
    ("UPDATE seat_packs SET status = 'expired'", "clients.credits"),
    ("UPDATE seat_packs SET price_minor = price_minor - 1", "clients.pack"),
    ("UPDATE seat_packs SET quote = '{}'", "clients.pack_invoice"),
    ("UPDATE seat_packs SET paid_at = NULL, status = 'cancelled'", "clients.pack"),
    ("UPDATE credit_uses SET returned_at = now() WHERE returned_at IS NULL", "clients.by_credit"),
    ("UPDATE ledger_lines SET amount_minor = amount_minor * 2 WHERE account = 'cash' AND rail = 'credit' "
     "AND amount_minor > 0", "clients.between"),
    ("UPDATE consultations SET platform_minor = platform_minor + 1, organization_minor = organization_minor - 1 "
     "WHERE organization_minor > 0",
     "clients.split"),
]  # fmt: skip


@pytest.fixture
def refunded(database_url: str) -> None:
    """A paid booking of a provider organization of which a part went back; a pack with a credit used and one back."""
    held = clinic_session()
    provides(held.organization_id)
    paid(held)
    returned(back(held, 3_000_00))
    place = Place()
    with clock.at(EARLY):
        used_again = place.book()
        cancel(used_again)
        place.book(after=1)
        place.book(after=2)
    with unit_of_work(PLATFORM) as session:  # what was promised when the pack was bought is promised now
        session.execute(text("UPDATE outbox SET due_at = now()"))


def test_what_adds_up_has_no_finding(refunded: None) -> None:
    assert findings() == set()


@pytest.mark.parametrize(("fault", "code"), FAULTS, ids=[f"{code}-{i}" for i, (_, code) in enumerate(FAULTS)])
def test_each_planted_fault_is_named(refunded: None, superuser, fault: str, code: str) -> None:
    superuser.execute("SET session_replication_role = replica")
    for statement in fault.split("; "):
        superuser.execute(statement)
    assert code in findings()


def test_a_simulated_charge_of_live_mode_is_named(refunded: None) -> None:
    with environment(QUITTANCE_MODE="live"):
        assert "clients.simulated_in_live" in findings()


def test_every_check_is_planted() -> None:
    assert {code for _, code in FAULTS} | {"clients.simulated_in_live"} == {code for code, _, _ in CLIENTS}
