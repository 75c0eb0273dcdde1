"""Plant each corruption of clients' money: the doctor names it."""

from __future__ import annotations

import pytest

from app.reporting.client_checks import CLIENTS
from tests.app.consultations.test_money import back, clinic_session, paid, returned
from tests.app.reporting.test_doctor import findings
from tests.stores import environment

FAULTS = [
    ("ALTER TABLE charges DISABLE TRIGGER USER; UPDATE charges SET fee_minor = fee_minor + 1; "
     "ALTER TABLE charges ENABLE TRIGGER USER", "clients.charge"),
    ("ALTER TABLE earnings DISABLE TRIGGER USER; UPDATE earnings SET amount_minor = amount_minor + 1 "
     "WHERE source_kind = 'consultation_share'; ALTER TABLE earnings ENABLE TRIGGER USER", "clients.charge"),
    ("ALTER TABLE charge_returns DISABLE TRIGGER USER; UPDATE charge_returns SET fee_minor = fee_minor + 1; "
     "ALTER TABLE charge_returns ENABLE TRIGGER USER", "clients.return"),
    ("UPDATE charges SET refunded_minor = refunded_minor - 1", "clients.refunded"),
    ("ALTER TABLE charge_returns DISABLE TRIGGER USER; UPDATE charge_returns SET status = 'came_back'; "
     "ALTER TABLE charge_returns ENABLE TRIGGER USER", "clients.came_back"),
    ("UPDATE consultations SET platform_minor = platform_minor + 1, organization_minor = organization_minor - 1",
     "clients.split"),
]  # fmt: skip


@pytest.fixture
def refunded(database_url: str) -> None:
    """A paid booking of a provider organization of which a part went back."""
    held = clinic_session()
    paid(held)
    returned(back(held, 3_000_00))


def test_what_adds_up_has_no_finding(refunded: None) -> None:
    assert findings() == set()


@pytest.mark.parametrize(("fault", "code"), FAULTS, ids=[f"{code}-{i}" for i, (_, code) in enumerate(FAULTS)])
def test_each_planted_fault_is_named(refunded: None, superuser, fault: str, code: str) -> None:
    for statement in fault.split("; "):
        superuser.execute(statement)
    assert code in findings()


def test_a_simulated_charge_of_live_mode_is_named(refunded: None) -> None:
    with environment(QUITTANCE_MODE="live"):
        assert "clients.simulated_in_live" in findings()


def test_every_check_is_planted() -> None:
    assert {code for _, code in FAULTS} | {"clients.simulated_in_live"} == {code for code, _, _ in CLIENTS}
