"""The doctor on clients' money: healthy after a partial refund, and each planted fault by its name."""

from __future__ import annotations

import pytest

from app.charges.states import ChargeProvider, ReturnKind
from app.consultations import money
from app.core.money import Money
from app.core.scope import SYSTEM
from app.db.session import unit_of_work
from app.reporting import doctor
from tests.factories import bookings as make
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM
from tests.stores import environment


@pytest.fixture
def refunded(database_url: str) -> None:
    """A booking of 100.00 with a provider organization, 10.00 of it given back."""
    clinic = organization("clinic", currency="USD")
    somebody = make.consultant(clinic)
    held = make.booked(make.offering(clinic, somebody, 100_00), somebody, make.client_account())
    with unit_of_work(PLATFORM) as session:
        money.paid(session, SYSTEM, money.charge(session, SYSTEM, held, ChargeProvider.SIMULATED).id)
        amount = Money(10_00, "USD")
        back = money.give_back(session, SYSTEM, held.id, amount=amount, kind=ReturnKind.REFUND, reason="Late")
        money.returned(session, SYSTEM, back.id)


def found() -> set[str]:
    with unit_of_work(PLATFORM) as session:
        return {finding.code for finding in doctor.examine(session)}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("UPDATE charges SET fee_minor = fee_minor + 1", "clients.charge"),
        ("UPDATE charge_returns SET organization_minor = organization_minor - 1", "clients.return"),
        ("UPDATE charges SET refunded_minor = 1", "clients.refunded"),
        (
            "UPDATE consultations SET platform_minor = platform_minor - 1, organization_minor = organization_minor + 1",
            "clients.split",
        ),
    ],
)
def test_each_planted_fault_is_named(refunded: None, superuser, fault: str, code: str) -> None:
    assert found() == set()
    superuser.execute("SET session_replication_role = replica")  # past the triggers that would refuse it
    superuser.execute(fault)
    assert code in found()


def test_a_simulated_charge_in_live_mode_is_named(refunded: None) -> None:
    with environment(QUITTANCE_MODE="live"):
        assert "clients.simulated_in_live" in found()
