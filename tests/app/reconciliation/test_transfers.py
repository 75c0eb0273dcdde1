"""Money between our own accounts: posted when it leaves and when it ends, explained by both statements."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.clock import today
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.money import Money
from app.core.scope import SYSTEM, Actor
from app.db.session import unit_of_work
from app.rails import accounts, registry
from app.reconciliation import matching, transfers
from app.reporting import doctor
from tests.factories.statements import PLATFORM, house, imported

pytestmark = pytest.mark.usefixtures("database_url")


def sent(reference: str = "TOPUP-0001") -> UUID:
    house()
    with unit_of_work(PLATFORM) as session:
        return transfers.send(
            session, SYSTEM, from_account="bank", to_account="paypal", amount=Money(50_000, "USD"),
            reference=reference, sent_on=today(),
        ).id  # fmt: skip


def cash() -> dict[str, int]:
    with unit_of_work(PLATFORM) as session:
        rows = session.execute(
            text(
                "SELECT coalesce(rail, account) AS place, sum(amount_minor) AS minor FROM ledger_lines GROUP BY 1"
                " HAVING sum(amount_minor) <> 0"
            )
        )
        return {row.place: int(row.minor) for row in rows}


def healthy() -> bool:
    with unit_of_work(PLATFORM) as session:
        return doctor.examine(session) == []


def test_it_leaves_one_account_and_arrives_in_the_other() -> None:
    transfer_id = sent()
    assert cash() == {"bank": -50_000, "transfers": 50_000} and healthy()
    imported([(today(), "PAYPAL topup-0001", "", "-500.00")], currency="USD")
    imported([(today(), "Bank deposit", "TOPUP-0001", "500.00")], currency="USD", account="paypal")
    with unit_of_work(PLATFORM) as session:
        kinds = session.scalars(text("SELECT kind FROM statement_match_parts ORDER BY amount_minor")).all()
        assert kinds == ["transfer_out", "transfer_in"]
        transfers.arrived(session, SYSTEM, transfer_id)
    assert cash() == {"bank": -50_000, "paypal": 50_000} and healthy()
    with pytest.raises(Conflict), unit_of_work(PLATFORM) as session:
        transfers.came_back(session, SYSTEM, transfer_id)


def test_one_that_came_back_left_nothing() -> None:
    transfer_id = sent()
    with unit_of_work(PLATFORM) as session:
        transfers.came_back(session, SYSTEM, transfer_id)
    assert cash() == {} and healthy()


def test_both_lines_of_one_that_came_back_are_explained() -> None:
    """The bank's statement has it twice: as it left, and as it came back to the same account."""
    transfer_id = sent()
    imported([(today(), "To PAYPAL TOPUP-0001", "", "-500.00")], currency="USD")
    with unit_of_work(PLATFORM) as session:
        transfers.came_back(session, SYSTEM, transfer_id)
    imported([(today(), "RETURN OF TOPUP-0001", "", "500.00")], currency="USD", name="next.csv")
    imported([(today(), "TOPUP-0001", "", "500.00")], currency="USD", account="paypal", name="paypal.csv")
    with unit_of_work(PLATFORM) as session:
        kinds = session.scalars(text("SELECT kind FROM statement_match_parts ORDER BY amount_minor")).all()
        assert kinds == ["transfer_out", "transfer_in"]
        open_in = session.scalars(text("SELECT account FROM open_statement_lines")).all()
        assert open_in == ["paypal"]  # it never arrived there: something else
    assert healthy()


def test_what_came_back_before_its_statement_was_read() -> None:
    transfer_id = sent()
    with unit_of_work(PLATFORM) as session:
        transfers.came_back(session, SYSTEM, transfer_id)
    imported([(today(), "TOPUP-0001", "", "-500.00"), (today(), "TOPUP-0001", "", "500.00")], currency="USD")
    with unit_of_work(PLATFORM) as session:
        assert session.scalar(text("SELECT count(*) FROM open_statement_lines")) == 0
        assert matching.run(session, SYSTEM).total() == 0
    assert healthy()


def test_every_bad_field_is_named() -> None:
    with pytest.raises(Invalid) as refused, unit_of_work(PLATFORM) as session:
        transfers.send(
            session, SYSTEM, from_account="bank", to_account="bank", amount=Money(0, "USD"), reference="x",
            sent_on=today() + timedelta(days=2),
        )  # fmt: skip
    assert set(refused.value.fields) == {"to_account", "amount", "reference", "sent_on"}
    with pytest.raises(Forbidden), unit_of_work(PLATFORM) as session:
        transfers.arrived(session, Actor("Olga", "ORG_OWNER", None), house())


def test_every_rail_pays_from_an_account_we_know() -> None:
    named = {rail for account in accounts.ACCOUNTS.values() for rail in account.rails}
    assert set(registry.RAILS) <= named
    assert accounts.account_of("venmo") == "paypal" and accounts.account_of("check") == "bank"
    with unit_of_work(PLATFORM) as session:
        for rail in named:
            query = text(f"SELECT {accounts.sql('CAST(:rail AS text)')}")
            assert session.scalar(query, {"rail": rail}) == accounts.account_of(rail)
