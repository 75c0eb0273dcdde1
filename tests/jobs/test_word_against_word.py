"""A rail that takes back its word, a payee whose name changes between two calls, and what people say themselves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.errors import Conflict, Forbidden, Invalid
from app.core.scope import SYSTEM, Actor
from app.db.session import unit_of_work
from app.payouts import contradictions, service, settling, verdicts
from app.payouts.settling import News
from app.payouts.states import PayoutStatus
from app.rails.base import Outcome, RailUnavailable, Result
from app.reconciliation import watch
from app.reporting import doctor
from jobs import payouts as jobs
from jobs import reconciliation
from tests.app.payouts.test_single import approve, status, withdraw
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.fakes.rail import FakeRail, fake_rail
from tests.jobs.test_payout_calls import _approved

pytestmark = pytest.mark.usefixtures("database_url")


SYSTEM_ADMIN = Actor("Admin", "platform_admin")


def _hears(key: str, outcome: Outcome) -> None:
    with unit_of_work(PLATFORM) as session:
        settling.apply(session, SYSTEM, [News(Result(key, outcome, "ref"), "event")])


def _sent(rail: FakeRail, payout_id: UUID) -> str:
    jobs.send([payout_id])
    return next(key for key in rail.orders if key.startswith(payout_id.hex))


def _staff_notes(payout_id: UUID) -> list[str]:
    query = text("SELECT note FROM timeline_events WHERE subject_id = :id AND note LIKE 'The rail says now%'")
    with unit_of_work(PLATFORM) as session:
        return list(session.execute(query, {"id": payout_id}).scalars())


def _watched() -> list[str]:
    with unit_of_work(PLATFORM) as session:
        return [row.detail["says"] for row in watch.items(session).items]


def test_paid_after_it_failed_is_seen() -> None:
    place, (payout_id,) = _approved(1)
    with fake_rail() as rail:
        key = _sent(rail, payout_id)
        _hears(key, Outcome.FAILED)
        assert status(payout_id) is PayoutStatus.FAILED and make.balances(place)["payee_available"] == 10_00
        for _ in range(2):
            _hears(key, Outcome.PAID)
    assert status(payout_id) is PayoutStatus.FAILED
    assert len(_staff_notes(payout_id)) == 1
    for _ in range(2):
        reconciliation.every_quarter()
    (says,) = _watched()
    assert "paid, after it had failed" in says


def _taken_back_word() -> tuple[Shop, UUID, str]:
    """Failed by its rail, which says later that it was paid."""
    place, (payout_id,) = _approved(1)
    with fake_rail() as rail:
        key = _sent(rail, payout_id)
    _hears(key, Outcome.FAILED)
    _hears(key, Outcome.PAID)
    return place, payout_id, key


def _say(payout_id: UUID, outcome: Outcome) -> None:
    with unit_of_work(PLATFORM) as session:
        verdicts.propose(session, make.admin("first@quittance.test"), payout_id, outcome, "Their support, case 12.")
    with unit_of_work(PLATFORM) as session:
        verdicts.confirm(session, make.admin("second@quittance.test"), payout_id)


def test_nothing_pays_the_same_money_while_nobody_knows() -> None:
    place, payout_id, key = _taken_back_word()
    with unit_of_work(PLATFORM) as session, pytest.raises(Conflict, match="Say what happened"):
        service.retry(session, make.admin("first@quittance.test"), payout_id)
    again = withdraw(place)
    approve(again, make.admin("second@quittance.test"))
    with fake_rail() as rail:
        jobs.send([again])
        assert not rail.orders
    assert status(again) is PayoutStatus.ON_HOLD
    with unit_of_work(PLATFORM) as session:
        service.cancel(session, SYSTEM, again, "Not now")
    third = withdraw(place)
    approve(third, make.admin("third@quittance.test"))
    with fake_rail() as rail:
        jobs.send([third])
        assert not rail.orders
    assert status(third) is PayoutStatus.ON_HOLD and contradicted(payout_id) == key


def contradicted(payout_id: UUID) -> str | None:
    with unit_of_work(PLATFORM) as session:
        return contradictions.open_of(session, payout_id)


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("by_now", ["failed", "pending", "on_hold", "cancelled", "rejected"])
def test_paid_after_all_whatever_was_done_with_it_since(accepted: bool, by_now: str) -> None:
    place, (payout_id,) = _approved(1)
    with fake_rail() as rail:
        if not accepted:
            rail.lose_replies = 1
            with pytest.raises(RailUnavailable):
                jobs.send([payout_id])
        key = next(iter(rail.orders), "") or _sent(rail, payout_id)
    _hears(key, Outcome.FAILED)
    with unit_of_work(PLATFORM) as session:
        if by_now != "failed":
            service.retry(session, SYSTEM_ADMIN, payout_id)
        if by_now in ("on_hold", "cancelled", "rejected"):
            verb = {"on_hold": service.hold, "cancelled": service.cancel, "rejected": service.reject}[by_now]
            verb(session, SYSTEM_ADMIN, payout_id, "A moment")
    assert status(payout_id).value == by_now
    _hears(key, Outcome.PAID)
    _say(payout_id, Outcome.PAID)
    assert status(payout_id) is PayoutStatus.PAID and make.balances(place) == {}
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
    _hears(key, Outcome.RETURNED)  # its own key is known: what comes back is heard
    assert status(payout_id) is PayoutStatus.RETURNED and make.balances(place) == {"payee_available": 10_00}
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []


def test_sent_twice_is_said_and_stays_on_the_watch_list_until_a_person_closes_it() -> None:
    _, (payout_id,) = _approved(1)
    with fake_rail() as rail:
        first = _sent(rail, payout_id)
        _hears(first, Outcome.FAILED)
        with unit_of_work(PLATFORM) as session:
            service.retry(session, SYSTEM_ADMIN, payout_id)
        approve(payout_id, make.admin("again@quittance.test"))
        jobs.send([payout_id])
    _hears(f"{payout_id.hex}-a2", Outcome.PAID)
    _hears(first, Outcome.PAID)
    with pytest.raises(Conflict, match="gone twice"):
        _say(payout_id, Outcome.PAID)
    reconciliation.every_quarter()
    assert len(_watched()) == 1 and status(payout_id) is PayoutStatus.PAID


def test_paid_after_all_it_counts_as_paid(superuser: Any) -> None:
    place, payout_id, key = _taken_back_word()
    _say(payout_id, Outcome.PAID)
    assert status(payout_id) is PayoutStatus.PAID and make.balances(place) == {}
    with unit_of_work(PLATFORM) as session:
        (row,) = session.execute(text("SELECT key, status, rail_reference, evidence FROM payout_attempts"))
        assert (row.key, row.status, row.rail_reference) == (key, "succeeded", "ref")
        assert row.evidence["succeeded"]["note"] == "Their support, case 12."
        assert doctor.examine(session) == []
    reconciliation.every_quarter()
    assert _watched() == []
    _hears(key, Outcome.PAID)
    assert len(_staff_notes(payout_id)) == 1


def test_never_paid_it_can_be_paid_again() -> None:
    place, payout_id, _ = _taken_back_word()
    _say(payout_id, Outcome.FAILED)
    assert make.balances(place) == {"payee_available": 10_00}
    with unit_of_work(PLATFORM) as session:
        service.retry(session, make.admin("third@quittance.test"), payout_id)
        assert doctor.examine(session) == []
    assert status(payout_id) is PayoutStatus.PENDING


def test_money_in_another_payout_is_freed_first() -> None:
    place, (payout_id,) = _approved(1)
    with fake_rail() as rail:
        key = _sent(rail, payout_id)
    _hears(key, Outcome.FAILED)
    again = withdraw(place)
    _hears(key, Outcome.PAID)
    with pytest.raises(Conflict, match="Cancel that one first"):
        _say(payout_id, Outcome.PAID)
    with unit_of_work(PLATFORM) as session:
        service.cancel(session, SYSTEM, again, "It was paid")
    with unit_of_work(PLATFORM) as session:
        verdicts.confirm(session, make.admin("third@quittance.test"), payout_id)
    assert status(payout_id) is PayoutStatus.PAID and make.balances(place) == {}


def test_a_person_closes_it_once(superuser: Any) -> None:
    _, (payout_id,) = _approved(1)
    with fake_rail() as rail:
        key = _sent(rail, payout_id)
    _hears(key, Outcome.PAID)
    _hears(key, Outcome.FAILED)
    assert status(payout_id) is PayoutStatus.PAID
    reconciliation.every_quarter()
    (item,) = superuser.execute("SELECT id FROM desk_items WHERE closed_at IS NULL").fetchone()
    with unit_of_work(PLATFORM) as session:
        watch.close(session, make.admin("w@quittance.test"), item, "They mixed two payouts up.")
    reconciliation.every_quarter()
    assert _watched() == []


def test_a_late_paid_of_what_came_back_is_no_news() -> None:
    _, (payout_id,) = _approved(1)
    with fake_rail() as rail:
        key = _sent(rail, payout_id)
    _hears(key, Outcome.RETURNED)
    _hears(key, Outcome.PAID)
    _hears(key, Outcome.RETURNED)
    assert status(payout_id) is PayoutStatus.FAILED and not _staff_notes(payout_id)


def test_a_new_name_does_not_keep_a_lost_call_from_going_out_again(superuser: Any) -> None:
    _, (payout_id,) = _approved(1)
    with fake_rail() as rail:
        rail.drop_requests = 1
        with pytest.raises(RailUnavailable):
            jobs.send([payout_id])
        superuser.execute("UPDATE payees SET name = 'Married Name'")
        superuser.execute("UPDATE organizations SET name = 'Renamed Ltd'")
        jobs.send([payout_id])
        (order,) = rail.orders.values()
    assert status(payout_id) is PayoutStatus.PROCESSING
    assert order.payee_name != "Married Name" and "Renamed" not in order.reference


def test_what_cannot_be_opened_is_still_asked_about_and_keeps_no_other_up(superuser: Any) -> None:
    _, ids = _approved(2)
    with fake_rail() as rail:
        rail.drop_requests = 1
        with pytest.raises(RailUnavailable):
            jobs.send(ids)
        superuser.execute(
            "UPDATE methods SET details_sealed = 'lost' WHERE id = (SELECT method_id FROM payouts WHERE id = %s)",
            [ids[0]],
        )
        jobs.send(ids)
        assert len(rail.orders) == 1
        rail.outcome = Outcome.PAID
        (other,) = rail.orders.values()
        rail.orders[f"{ids[0].hex}-a1"] = other  # it had arrived after all
        jobs.look_up_stale(older_than_s=0)
    assert [status(one) for one in ids] == [PayoutStatus.PAID] * 2


def _late(superuser: Any) -> tuple[Shop, UUID]:
    """A payout whose rail never answers again."""
    place, (payout_id,) = _approved(1)
    with fake_rail() as rail:
        rail.drop_requests = 1
        with pytest.raises(RailUnavailable):
            jobs.send([payout_id])
    superuser.execute("UPDATE payouts SET status_at = now() - interval '30 days'")
    return place, payout_id


@pytest.mark.parametrize(
    ("outcome", "after", "available"),
    [(Outcome.PAID, PayoutStatus.PAID, None), (Outcome.FAILED, PayoutStatus.FAILED, 10_00)],
)
def test_two_people_settle_what_no_rail_will(
    superuser: Any, outcome: Outcome, after: PayoutStatus, available: int | None
) -> None:
    place, payout_id = _late(superuser)
    first, second = make.admin("first@quittance.test"), make.admin("second@quittance.test")
    with unit_of_work(PLATFORM) as session:
        verdicts.propose(session, first, payout_id, outcome, "Their support said so, case 4711.")
    assert status(payout_id) is PayoutStatus.PROCESSING
    with unit_of_work(PLATFORM) as session, pytest.raises(Forbidden, match="somebody else"):
        verdicts.confirm(session, first, payout_id)
    with unit_of_work(PLATFORM) as session, pytest.raises(Conflict, match="second person"):
        verdicts.propose(session, second, payout_id, outcome, "The same.")
    with unit_of_work(PLATFORM) as session:
        verdicts.confirm(session, second, payout_id)
    assert status(payout_id) is after and make.balances(place).get("payee_available") == available
    with unit_of_work(PLATFORM) as session:
        evidence = session.execute(text("SELECT evidence FROM payout_attempts")).scalar_one()
        assert doctor.examine(session) == []
    assert [(one["by"], one["note"]) for one in evidence.values()] == [
        (f"{first.label}, {second.label}", "Their support said so, case 4711.")
    ]


def test_the_rail_was_faster_than_the_second_person(superuser: Any) -> None:
    _, payout_id = _late(superuser)
    first = make.admin("first@quittance.test")
    with unit_of_work(PLATFORM) as session:
        verdicts.propose(session, first, payout_id, Outcome.FAILED, "It is not in their list.")
    _hears(f"{payout_id.hex}-a1", Outcome.PAID)
    assert status(payout_id) is PayoutStatus.PAID
    with unit_of_work(PLATFORM) as session:
        assert verdicts.waiting(session, payout_id) is None


def test_taken_back_is_as_if_never_said(superuser: Any) -> None:
    _, payout_id = _late(superuser)
    first = make.admin("first@quittance.test")
    for _ in range(2):
        with unit_of_work(PLATFORM) as session:
            verdicts.propose(session, first, payout_id, Outcome.PAID, "I saw it.")
        with unit_of_work(PLATFORM) as session:
            verdicts.reject(session, first, payout_id)
    assert status(payout_id) is PayoutStatus.PROCESSING


def test_what_is_not_late_and_what_has_no_reason_is_refused(superuser: Any) -> None:
    _, (payout_id,) = _approved(1)
    person = make.admin("first@quittance.test")
    with fake_rail():
        jobs.send([payout_id])
    with unit_of_work(PLATFORM) as session, pytest.raises(Conflict, match="still has time"):
        verdicts.propose(session, person, payout_id, Outcome.PAID, "I saw it.")
    superuser.execute("UPDATE payouts SET status_at = now() - interval '30 days'")
    for note in (" ", "x" * 501):
        with unit_of_work(PLATFORM) as session, pytest.raises(Invalid):
            verdicts.propose(session, person, payout_id, Outcome.PAID, note)
    with unit_of_work(PLATFORM) as session, pytest.raises(Invalid):
        verdicts.propose(session, person, payout_id, Outcome.RETURNED, "It came back.")
    with unit_of_work(PLATFORM) as session, pytest.raises(Conflict):
        service.retry(session, person, payout_id)
