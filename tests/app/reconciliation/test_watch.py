"""Late payouts and balances that differ: noticed, told once, over by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.core.errors import Conflict, Forbidden, Invalid
from app.core.scope import Actor
from app.db.session import unit_of_work
from app.payouts import verdicts
from app.reconciliation import balances, watch
from app.reconciliation.states import ItemKind
from jobs import payouts as payout_jobs
from jobs import reconciliation
from tests.app.payouts.test_batches import approved, run
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM
from tests.factories.sent import sent
from tests.fakes.simulator import SimulatorPeer, wait_until
from tests.stores import environment

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def people(database_url: str) -> tuple[Actor, Actor]:
    return make.admin("maker@quittance.test"), make.admin("checker@quittance.test")


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[SimulatorPeer]:
    peer = SimulatorPeer(tmp_path)
    peer.start()
    with environment(SIMULATOR_URL=peer.url):
        yield peer
    peer.kill()


def noticed(*, open_only: bool = True) -> list[str]:
    with unit_of_work(PLATFORM) as session:
        return [row.detail["says"] for row in watch.items(session, open_only=open_only).items]


def mails() -> int:
    with unit_of_work(PLATFORM) as session:
        return int(session.scalar(text("SELECT count(*) FROM mails WHERE template = 'desk_items'")) or 0)


def test_a_late_payout_is_noticed_and_told_once(people: tuple[Actor, Actor], superuser: Any) -> None:
    made = sent(*people)
    reconciliation.every_quarter()
    assert noticed() == []
    superuser.execute("UPDATE payouts SET status_at = now() - interval '30 days' WHERE id = %s", [made.payouts[0].id])
    reconciliation.every_quarter()
    reconciliation.every_quarter()
    (says,) = noticed()
    assert made.payouts[0].number in says and "£10.00 to Vendor 000 is late: Bank transfer since" in says
    assert mails() == 2  # one for each admin
    superuser.execute("UPDATE payouts SET status_at = now() - interval '30 days' WHERE id = %s", [made.payouts[1].id])
    reconciliation.every_quarter()
    assert (len(noticed()), mails()) == (2, 4)
    superuser.execute("UPDATE payouts SET status_at = now()")
    reconciliation.every_quarter()
    assert noticed() == [] and len(noticed(open_only=False)) == 2


def test_a_rail_has_its_usual_time_and_some_grace() -> None:
    friday = date(2026, 10, 2)
    assert verdicts.due_on("bank_file", friday) == date(2026, 10, 12)  # three days and three, without weekends
    assert verdicts.due_on("simulated", friday) == date(2026, 10, 5)
    assert verdicts.due_on("nobody", friday) == date(2026, 10, 6)


def test_a_person_settles_an_item_and_it_comes_back_if_it_is_still_so(people: tuple[Actor, Actor]) -> None:
    found = [watch.Noticed("simulated:GBP", None, {"says": "It differs"})]
    with unit_of_work(PLATFORM) as session:
        assert watch.notice(session, ItemKind.BALANCE, found, within="simulated:") == 1
        item_id = watch.items(session).items[0].id
    with pytest.raises(Invalid), unit_of_work(PLATFORM) as session:
        watch.close(session, people[0], item_id, " ")
    with pytest.raises(Forbidden), unit_of_work(PLATFORM) as session:
        watch.close(session, Actor("Olga", "ORG_OWNER", None), item_id, "x")
    with unit_of_work(PLATFORM) as session:
        watch.close(session, people[0], item_id, "Asked them")
    with pytest.raises(Conflict), unit_of_work(PLATFORM) as session:
        watch.close(session, people[0], item_id, "Again")
    with unit_of_work(PLATFORM) as session:
        assert watch.notice(session, ItemKind.BALANCE, found, within="simulated:") == 1
        assert watch.notice(session, ItemKind.BALANCE, [], within="paypal:") == 0
        assert len(watch.items(session).items) == 1  # another provider's look closes nothing of this one


def test_the_simulators_books_are_held_against_ours(people: tuple[Actor, Actor], simulator: SimulatorPeer) -> None:
    place = make.shop(2)
    make.earn(place, 10_00, payee=0)
    make.earn(place, 20_00, payee=1)
    for chunk_id in run(approved(place, *people), people[0]):
        payout_jobs.run_chunk(chunk_id)
    wait_until(lambda: simulator.call("GET", "/balance").json() == {"balances": {"GBP": -30_00}})
    reconciliation.every_day()  # paid there, on its way here: that is no difference
    assert noticed() == []
    with unit_of_work(PLATFORM) as session:
        assert balances.books_of(session, "simulated")["GBP"] == balances.Books(-30_00, 30_00)
    payout_jobs.look_up_stale()
    assert len(simulator.call("GET", f"/activity?since={0}").json()["movements"]) == 2
    make.earn(place, 5_00, payee=0)
    order = {"key": "not-ours", "amount_minor": 700, "currency": "GBP", "name": "X", "account": "12345678905"}
    simulator.call("POST", "/instructions", {"orders": [{**order, "reference": "R"}]})
    wait_until(lambda: simulator.call("GET", "/balance").json() == {"balances": {"GBP": -37_00}})
    reconciliation.every_day()
    reconciliation.every_day()
    says = noticed()
    assert any("says it holds −£37.00, the books say −£30.00" in one for one in says)
    assert any("moved −£7.00 for no payout of ours (not-ours)" in one for one in says)
    assert (len(says), mails()) == (2, 2)
    assert simulator.call("GET", "/activity?since=soon").status_code == 400


def test_a_provider_that_does_not_answer_is_asked_again(simulator: SimulatorPeer) -> None:
    simulator.kill()
    with pytest.raises(Exception, match="simulator"):
        reconciliation.every_day()
    assert noticed() == []
