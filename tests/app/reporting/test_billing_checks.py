"""Plant each corruption of invoices: the doctor names it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.billing.invoice_states import PayoutOn
from app.charges.states import ReturnKind
from app.consultations import money
from app.core.clock import at
from app.core.money import Money
from app.core.scope import SYSTEM
from app.db.session import unit_of_work
from app.reporting.billing_checks import INVOICES
from tests.app.reporting.test_doctor import findings
from tests.factories.people import PLATFORM
from tests.jobs.test_billing import FIRST, Session

FAULTS = [
    ("UPDATE invoice_lines SET net_minor = net_minor + 1", "invoices.lines"),
    ("UPDATE invoice_payments SET amount_minor = amount_minor - 1 WHERE paid_with = 'bank'", "invoices.paid"),
    ("UPDATE invoices SET status = 'sent' WHERE kind = 'invoice'", "invoices.status"),
    ("UPDATE invoices SET serial = 7 WHERE kind = 'invoice'", "invoices.numbers"),
    ("UPDATE invoices SET tax_minor = 1, total_minor = total_minor + 1 WHERE kind = 'credit_note'", "invoices.tax"),
    ("UPDATE billed_charges SET amount_minor = amount_minor + 1", "invoices.charges"),
    ("DELETE FROM billed_charges", "invoices.forgotten"),
    ("DELETE FROM credited_returns", "invoices.credited"),
]


@pytest.fixture
def credited(database_url: str) -> None:
    """A booking that was billed and paid, and a part of it that went back."""
    held = Session(PayoutOn.INVOICE_PAID)
    held.pay()
    with at(FIRST + timedelta(days=2)), unit_of_work(PLATFORM) as session:
        money.give_back(
            session, SYSTEM, held.held.id, amount=Money(4_00, "USD"), kind=ReturnKind.REFUND, reason="Cut short"
        )


def _found() -> set[str]:
    return {code for code in findings() if code.startswith("invoices.")}


def test_what_adds_up_has_no_finding(credited: None) -> None:
    assert findings() - {"outbox.stale"} == set()  # the clock stood still, and no worker runs


@pytest.mark.parametrize(("fault", "code"), FAULTS, ids=[code for _, code in FAULTS])
def test_each_planted_fault_is_named(credited: None, superuser, fault: str, code: str) -> None:
    superuser.execute("SET session_replication_role = replica")
    superuser.execute(fault)
    assert code in _found()


def test_every_check_has_its_fault() -> None:
    assert {code for code, _, _ in INVOICES} == {code for _, code in FAULTS}
