"""Lines that explain themselves, and those that must not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.charges import service as charges
from app.core.clock import today
from app.core.money import Money
from app.core.scope import SYSTEM, Actor
from app.db.session import unit_of_work
from app.reconciliation import matching
from app.reporting import doctor
from tests.factories import payouts as make
from tests.factories.sent import Sent, sent, states
from tests.factories.statements import PLATFORM, Row, imported

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def people(database_url: str) -> tuple[Actor, Actor]:
    return make.admin("maker@quittance.test"), make.admin("checker@quittance.test")


def explained() -> list[tuple[str, str]]:
    """(kind, how) of what stands, in the order of the lines."""
    with unit_of_work(PLATFORM) as session:
        rows = session.execute(
            text(
                """SELECT p.kind, m.how FROM statement_matches m JOIN statement_match_parts p ON p.match_id = m.id
                JOIN statement_lines l ON l.id = m.line_id ORDER BY l.line, p.position"""
            )
        )
        return [(row.kind, row.how) for row in rows]


def waiting() -> int:
    with unit_of_work(PLATFORM) as session:
        return int(session.scalar(text("SELECT count(*) FROM open_statement_lines")) or 0)


def healthy() -> bool:
    with unit_of_work(PLATFORM) as session:
        return doctor.examine(session) == []


def debit(of: Any, words: str, reference: str = "", day: date | None = None) -> Row:
    return (day or today(), words, reference, f"-{of.amount_minor / 100:.2f}")


def test_a_debited_payout_by_file_is_paid_by_its_line(people: tuple[Actor, Actor]) -> None:
    made = sent(*people)
    one, two, three = made.payouts
    broken = f"SEPA CREDIT {one.key[:20]} {one.key[20:].upper()}"  # as banks break long references over lines
    short = f"{two.id.hex[-12:].upper()}A01"
    imported([debit(one, broken), debit(two, "ACH", short), debit(three, f"{three.number} Shop")])
    assert states(made) == ["paid"] * 3
    assert explained() == [("payout", "reference")] * 3
    assert waiting() == 0 and healthy()
    with unit_of_work(PLATFORM) as session:
        evidence = session.execute(text("SELECT evidence -> 'succeeded' ->> 'by' FROM payout_attempts")).scalars()
        assert set(evidence) == {"statement"}


def test_another_amount_under_the_same_reference_waits(people: tuple[Actor, Actor]) -> None:
    made = sent(*people)
    imported([(today(), made.payouts[0].number, made.payouts[0].key, "-9.99")])
    assert (waiting(), set(states(made))) == (1, {"processing"})


def test_checks_are_known_by_their_number(people: tuple[Actor, Actor]) -> None:
    made = sent(*people, rail="check")
    imported([debit(one, f"CHECK NO. {int(one.rail_reference)}") for one in made.payouts])
    assert explained() == [("payout", "check_number")] * 3
    assert states(made) == ["paid"] * 3 and healthy()


def test_the_sum_of_a_file_is_one_booking(people: tuple[Actor, Actor]) -> None:
    made = sent(*people)
    imported([(today(), "BULK PAYMENT", "", f"-{made.total}")])
    assert explained() == [("export", "export")]
    assert states(made) == ["paid"] * 3 and healthy()
    imported(
        [debit(made.payouts[0], made.payouts[0].number)], name="twice.csv"
    )  # a debit beside the sum: not by itself
    assert waiting() == 1


def test_the_only_one_of_that_amount_in_these_days(people: tuple[Actor, Actor]) -> None:
    made = sent(*people)
    late = today() - timedelta(days=2)
    imported([debit(made.payouts[0], "TRANSFER"), debit(made.payouts[1], "TRANSFER", day=late)])
    assert explained() == [("payout", "amount")]
    assert waiting() == 1  # debited before it was sent: another one


def test_two_lines_for_one_payout_wait(people: tuple[Actor, Actor]) -> None:
    made = sent(*people)
    one = made.payouts[0]
    imported([debit(one, one.number), debit(one, f"{one.number} again")])
    assert (waiting(), explained()) == (2, [])


def test_one_that_was_debited_twice_takes_the_first_only(people: tuple[Actor, Actor]) -> None:
    made = sent(*people)
    one = made.payouts[0]
    imported([debit(one, one.number)])
    imported([debit(one, f"{one.number} again")], name="more.csv")
    assert (waiting(), len(explained())) == (1, 1)


def credited(of: Sent, index: int) -> Row:
    one = of.payouts[index]
    return (today(), f"RETURN {one.number} ACCOUNT CLOSED", "", f"{one.amount_minor / 100:.2f}")


def test_money_that_came_back_returns_the_payout(people: tuple[Actor, Actor]) -> None:
    made = sent(*people)
    imported([debit(one, one.number) for one in made.payouts])
    imported([credited(made, 0)], name="next.csv")
    assert states(made) == ["returned", "paid", "paid"]
    assert explained()[0][0] in ("payout", "return") and waiting() == 0 and healthy()


def test_debit_and_return_on_the_same_statement(people: tuple[Actor, Actor]) -> None:
    made = sent(*people)
    imported([credited(made, 1), debit(made.payouts[1], made.payouts[1].number)])
    assert states(made) == ["processing", "returned", "processing"]
    assert waiting() == 0 and healthy()


def test_a_deposit_is_matched_and_still_confirmed_by_a_person(people: tuple[Actor, Actor]) -> None:
    place = make.shop(1)
    with unit_of_work(PLATFORM) as session:
        announced = charges.announce(
            session, people[0], place.organization_id, amount=Money(500_00, "GBP"), reference="SHOP-77", sent_on=today()
        )
        deposit_id = announced.id
    imported([(today(), "FASTER PAYMENT shop 77 thank you", "", "500.00"), (today(), "SHOP-77", "", "499.00")])
    assert explained() == [("deposit", "reference")] and waiting() == 1
    with unit_of_work(PLATFORM) as session:
        assert session.scalar(text("SELECT status FROM deposits")) == "announced"
        charges.confirm(session, people[1], deposit_id)
    assert healthy()


def test_a_simulated_payout_is_matched_and_not_paid_by_it(people: tuple[Actor, Actor]) -> None:
    """Its rail says itself what became of it."""
    made = sent(*people)
    with unit_of_work(PLATFORM) as session:  # as if it had gone by a rail with an answer of its own
        session.execute(text("UPDATE payout_attempts SET export_id = NULL, rail = 'simulated'"))
    imported([debit(made.payouts[0], made.payouts[0].number)])
    assert explained() == [("payout", "reference")] and set(states(made)) == {"processing"}


def test_a_second_run_finds_nothing_more(people: tuple[Actor, Actor]) -> None:
    made = sent(*people)
    imported([debit(made.payouts[0], made.payouts[0].number), (today(), "?", "", "-1.00")])
    with unit_of_work(PLATFORM) as session:
        assert matching.run(session, SYSTEM).total() == 0


def test_many_lines_at_once(people: tuple[Actor, Actor]) -> None:
    made = sent(*people, payees=60)
    imported([debit(one, one.number) for one in made.payouts] + [(today(), f"x{n}", "", "-0.01") for n in range(200)])
    assert set(states(made)) == {"paid"} and waiting() == 200 and healthy()


def test_one_that_failed_is_taken_for_debited_only_where_the_bank_names_it(people: tuple[Actor, Actor]) -> None:
    made = sent(*people)
    one = made.payouts[0]
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE payout_attempts SET status = 'failed' WHERE id = :id"), {"id": one.attempt_id})
    imported([debit(one, "TRANSFER")])
    assert (waiting(), explained()) == (1, [])
    imported([debit(one, one.number)], name="next.csv")
    assert (waiting(), explained()) == (1, [("payout", "reference")])


def test_lines_that_look_alike_are_counted_all(people: tuple[Actor, Actor]) -> None:
    """Two of one day and one of the next for one payout: each could be it, so none is."""
    made = sent(*people)
    one, two, three = made.payouts
    later = today() + timedelta(days=1)
    imported([debit(one, "a"), debit(one, "b"), debit(one, "c", day=later), debit(two, "d", day=later)])
    assert (waiting(), explained()) == (3, [("payout", "amount")])
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE payouts SET amount_minor = 1001 WHERE id = :id"), {"id": three.id})
    imported([debit(two, "again", day=later)], name="next.csv")
    assert waiting() == 3  # the other payout of that amount


def test_targets_that_look_alike_are_counted_all(people: tuple[Actor, Actor]) -> None:
    made = sent(*people)
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE payouts SET amount_minor = 1000"))
    imported([debit(made.payouts[0], "which of the three?")])
    assert (waiting(), explained()) == (1, [])
