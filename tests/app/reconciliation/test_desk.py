"""By hand: one thing, several, suspense, write-offs by two people, and taking answers back."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.clock import today
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.money import Money
from app.core.scope import Actor
from app.db.session import unit_of_work
from app.reconciliation import desk, targets, write_offs
from app.reconciliation.states import TargetKind
from app.reporting import doctor
from tests.factories import payouts as make
from tests.factories.sent import Sent, sent, states
from tests.factories.statements import PLATFORM, imported

pytestmark = pytest.mark.usefixtures("database_url")
K = TargetKind


@pytest.fixture
def maker(database_url: str) -> Actor:
    return make.admin("maker@quittance.test")


@pytest.fixture
def checker(database_url: str) -> Actor:
    return make.admin("checker@quittance.test")


def one_line(amount: str, words: str = "?", currency: str = "GBP") -> UUID:
    """A line nothing explains."""
    statement_id = imported([(today(), words, "", amount)], currency=currency, name=f"{words}.csv")
    with unit_of_work(PLATFORM) as session:
        return session.execute(
            text("SELECT id FROM statement_lines WHERE statement_id = :id"), {"id": statement_id}
        ).scalar_one()


def booked(account: str) -> int:
    """What the books hold on an account, credit above zero."""
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT -coalesce(sum(amount_minor), 0) FROM ledger_lines WHERE account = :account")
        return int(session.execute(query, {"account": account}).scalar_one())


def is_open(line_id: UUID) -> bool:
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT count(*) FROM open_statement_lines WHERE line_id = :id")
        return bool(session.execute(query, {"id": line_id}).scalar_one())


def healthy() -> bool:
    with unit_of_work(PLATFORM) as session:
        return doctor.examine(session) == []


def chosen(made: Sent, *indexes: int) -> list[tuple[TargetKind, UUID]]:
    return [(K.PAYOUT, made.payouts[index].attempt_id) for index in indexes]


def test_one_line_over_several_payouts(maker: Actor, checker: Actor) -> None:
    made = sent(maker, checker)
    line_id = one_line("-20.01")
    with unit_of_work(PLATFORM) as session:
        desk.match(session, maker, line_id, chosen(made, 0, 1), note="Seen in the bank’s list")
    assert states(made) == ["paid", "paid", "processing"]
    assert not is_open(line_id) and healthy()


def test_parts_that_do_not_add_up_are_refused(maker: Actor, checker: Actor) -> None:
    made = sent(maker, checker)
    line_id = one_line("-25.00")
    with pytest.raises(Invalid, match=r"differs from the line by -4\.99 GBP"), unit_of_work(PLATFORM) as session:
        desk.match(session, maker, line_id, chosen(made, 0, 1))
    with unit_of_work(PLATFORM) as session:
        desk.match(session, maker, line_id, chosen(made, 0, 1), rest_to_suspense=True)
    assert booked("suspense") == -4_99 and healthy()


def test_nobody_explains_two_lines_by_one_thing(maker: Actor, checker: Actor) -> None:
    made = sent(maker, checker)
    first, second = one_line("-10.00", "a"), one_line("-10.00", "b")
    if not is_open(first):  # the only payout of that amount in these days
        with unit_of_work(PLATFORM) as session:
            desk.undo(session, maker, first, "Not this one")
    with unit_of_work(PLATFORM) as session:
        desk.match(session, maker, second, chosen(made, 0))
    with pytest.raises(Conflict, match="Another line"), unit_of_work(PLATFORM) as session:
        desk.match(session, maker, first, chosen(made, 0))
    with pytest.raises(Conflict, match="explained already"), unit_of_work(PLATFORM) as session:
        desk.suspend(session, maker, second, "?")


def undone_sum(made: Sent, maker: Actor) -> tuple[UUID, UUID]:
    """A debit of the whole file and one of its first payout, both waiting."""
    whole, part = one_line(f"-{made.total}", "whole"), one_line("-10.00", "part")
    for line_id in (whole, part):
        if not is_open(line_id):  # it explained itself
            with unit_of_work(PLATFORM) as session:
                desk.undo(session, maker, line_id, "By hand")
    return whole, part


def test_no_payout_is_counted_beside_its_file(maker: Actor, checker: Actor) -> None:
    made = sent(maker, checker)
    whole, part = undone_sum(made, maker)
    with unit_of_work(PLATFORM) as session:
        desk.match(session, maker, whole, [(K.EXPORT, made.export_id)])
    with pytest.raises(Conflict, match=r"whole of EX-.* this payout is in it"), unit_of_work(PLATFORM) as session:
        desk.match(session, maker, part, chosen(made, 0))
    with unit_of_work(PLATFORM) as session:
        desk.undo(session, maker, whole, "The other way round")
        desk.match(session, maker, part, chosen(made, 0))
    with pytest.raises(Conflict, match=r"about 1 of the payouts in EX-"), unit_of_work(PLATFORM) as session:
        desk.match(session, maker, whole, [(K.EXPORT, made.export_id)])
    assert is_open(whole) and healthy()


@pytest.mark.parametrize("file_first", [True, False])
def test_a_file_and_a_payout_in_it_are_no_split(maker: Actor, checker: Actor, file_first: bool) -> None:
    made = sent(maker, checker)
    line_id = one_line("-50.00", "twice")
    both = [(K.EXPORT, made.export_id), *chosen(made, 0)]
    with pytest.raises(Invalid, match=r"Q-.* is in EX-.* already"), unit_of_work(PLATFORM) as session:
        desk.match(session, maker, line_id, both if file_first else both[::-1], rest_to_suspense=True)
    assert is_open(line_id) and healthy()


def test_what_went_the_other_way_is_refused(maker: Actor, checker: Actor) -> None:
    made = sent(maker, checker)
    line_id = one_line("10.00")
    with pytest.raises(Invalid, match="the other way"), unit_of_work(PLATFORM) as session:
        desk.match(session, maker, line_id, chosen(made, 0), rest_to_suspense=True)


def test_suspense_is_posted_and_taken_back(maker: Actor) -> None:
    line_id = one_line("12.34")
    with unit_of_work(PLATFORM) as session:
        desk.suspend(session, maker, line_id, "A stranger paid")
    assert (booked("suspense"), booked("cash"), is_open(line_id)) == (12_34, -12_34, False)
    assert healthy()
    with unit_of_work(PLATFORM) as session:
        desk.undo(session, maker, line_id, "It was the landlord")
    assert (booked("suspense"), is_open(line_id)) == (0, True) and healthy()
    with pytest.raises(Conflict, match="not explained"), unit_of_work(PLATFORM) as session:
        desk.undo(session, maker, line_id, "Again")
    with unit_of_work(PLATFORM) as session:
        desk.suspend(session, maker, line_id, "Once more")
        standing = desk.standing_match(session, line_id)
        assert standing is not None and standing.note == "Once more"
    assert booked("suspense") == 12_34 and healthy()


def test_a_write_off_takes_two_people(maker: Actor, checker: Actor) -> None:
    line_id = one_line("-3.50", "ACCOUNT FEE")
    with unit_of_work(PLATFORM) as session:
        proposed = write_offs.propose(session, maker, line_id, "Fee of the bank").id
    assert is_open(line_id) and booked("write_offs") == 0
    with pytest.raises(Conflict), unit_of_work(PLATFORM) as session:
        desk.suspend(session, checker, line_id, "?")
    with pytest.raises(Forbidden, match="somebody else"), unit_of_work(PLATFORM) as session:
        write_offs.approve(session, maker, proposed)
    with unit_of_work(PLATFORM) as session:
        write_offs.approve(session, checker, proposed)
    assert (booked("write_offs"), is_open(line_id)) == (-3_50, False) and healthy()
    with pytest.raises(Conflict), unit_of_work(PLATFORM) as session:
        write_offs.approve(session, checker, proposed)
    with unit_of_work(PLATFORM) as session:
        desk.undo(session, maker, line_id, "It was a payout after all")
    assert booked("write_offs") == 0 and healthy()


def test_a_rejected_write_off_leaves_the_line(maker: Actor, checker: Actor) -> None:
    line_id = one_line("-3.50")
    with unit_of_work(PLATFORM) as session:
        proposed = write_offs.propose(session, maker, line_id, "Fee").id
        write_offs.reject(session, checker, proposed, "Ask the bank first")
    with unit_of_work(PLATFORM) as session:
        assert write_offs.propose(session, checker, line_id, "They said so").id != proposed
    assert healthy()


def test_nothing_above_the_limit_is_written_off(maker: Actor) -> None:
    line_id = one_line("-100.01")
    with pytest.raises(Invalid, match=r"above 100\.00 GBP"), unit_of_work(PLATFORM) as session:
        write_offs.propose(session, maker, line_id, "Never mind")


def test_who_may_not_reconcile_is_refused(maker: Actor) -> None:
    line_id = one_line("-1.00")
    stranger = Actor("Olga", "ORG_OWNER", None)
    for act in (
        lambda s: desk.suspend(s, stranger, line_id, "?"),
        lambda s: desk.match(s, stranger, line_id, []),
        lambda s: desk.undo(s, stranger, line_id, "?"),
        lambda s: write_offs.propose(s, stranger, line_id, "?"),
    ):
        with pytest.raises(Forbidden), unit_of_work(PLATFORM) as session:
            act(session)


def test_matches_are_never_changed(maker: Actor) -> None:
    line_id = one_line("1.00")
    with unit_of_work(PLATFORM) as session:
        desk.suspend(session, maker, line_id, "?")
    for change in ("UPDATE statement_matches SET note = ''", "DELETE FROM statement_match_parts"):
        with pytest.raises(Exception, match="permission denied"), unit_of_work(PLATFORM) as session:
            session.execute(text(change))


def test_candidates_are_found_by_amount_number_and_name(maker: Actor, checker: Actor) -> None:
    made = sent(maker, checker)
    one = made.payouts[1]

    def search(words: str, minor: int = -99_00) -> list[str]:
        with unit_of_work(PLATFORM) as session:
            found = targets.search(session, account="bank", amount=Money(minor, "GBP"), words=words)
            return [target.label for target in found]

    assert search("") == []
    assert search("", -one.amount_minor) == [one.number]
    assert search(one.number.lower()) == [one.number]
    assert search("10.01") == [one.number]
    assert set(search("vendor 00")) == {row.number for row in made.payouts}
    assert search("vendor 00", 10_01)[0] == one.number  # it may have come back


def test_what_the_line_names_is_suggested_whatever_its_amount(maker: Actor, checker: Actor) -> None:
    """Two payouts in one debit, a part of a deposit: the amount alone finds neither."""
    made = sent(maker, checker, slug="kestrel")
    one, two, three = made.payouts

    def suggested(said: str, minor: int = -20_01) -> list[str]:
        with unit_of_work(PLATFORM) as session:
            asked = {"account": "bank", "amount": Money(minor, "GBP"), "words": "", "day": today()}
            return [target.label for target in targets.search(session, said=said, **asked)]

    assert suggested("") == []
    assert set(suggested(f"2 transfers {one.number.lower()} and {two.number}")) == {one.number, two.number}
    assert suggested(f"{three.number}", -three.amount_minor) == [three.number]
    assert suggested(f"{one.number}", 5_00) == [one.number]  # it may have come back, less a fee
    assert suggested("KESTREL LTD", 5_00) == []  # its money went to others: each of them would have to be named
