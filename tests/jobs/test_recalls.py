"""What was paid is taken back where the rail can do that, once, and stays paid where it refuses."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.core.errors import Conflict
from app.db.session import unit_of_work
from app.payouts import recalls
from app.payouts.states import PayoutStatus
from app.rails import registry
from app.rails.base import Outcome, RailRejected, RailUnavailable, Result
from jobs import payouts as jobs
from tests.app.payouts.test_single import status
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM
from tests.fakes.rail import FakeRail
from tests.jobs.test_payout_calls import _approved

pytestmark = pytest.mark.usefixtures("database_url")


class GivingRail(FakeRail):
    """Takes back what it paid, unless told otherwise."""

    def __init__(self) -> None:
        super().__init__(outcome=Outcome.PAID)
        self.asked = 0
        self.says: Exception | None = None

    def take_back(self, key: str, reference: str, call: str = "") -> Result:
        self.asked += 1
        if self.says:
            raise self.says
        return Result(key, Outcome.RETURNED, reference, "reversed", "It was taken back.")


@pytest.fixture
def rail(monkeypatch: pytest.MonkeyPatch) -> GivingRail:
    made = GivingRail()
    monkeypatch.setitem(registry.RAILS, "simulated", made)
    return made


def test_taken_back_once(rail: GivingRail) -> None:
    place, (payout_id,) = _approved(1)
    person = make.admin("p@quittance.test")
    with unit_of_work(PLATFORM) as session, pytest.raises(Conflict):
        recalls.ask(session, person, payout_id, "Not paid yet")
    jobs.send([payout_id])
    assert status(payout_id) is PayoutStatus.PAID
    with unit_of_work(PLATFORM) as session:
        recalls.ask(session, person, payout_id, "Paid the wrong company")
    for _ in range(2):
        jobs.call_back(str(payout_id))
    assert status(payout_id) is PayoutStatus.RETURNED and rail.asked == 1
    assert make.balances(place) == {"payee_available": 10_00}


def test_refused_or_unknown_it_stays_paid(rail: GivingRail) -> None:
    _, (payout_id,) = _approved(1)
    jobs.send([payout_id])
    rail.says = RailUnavailable("No answer.")
    with pytest.raises(RailUnavailable):
        jobs.call_back(str(payout_id))
    rail.says = RailRejected("Their balance does not cover it.", "balance_insufficient")
    jobs.call_back(str(payout_id))
    assert status(payout_id) is PayoutStatus.PAID
    query = text("SELECT note, audience FROM timeline_events WHERE subject_id = :id AND note LIKE 'Not given%'")
    with unit_of_work(PLATFORM) as session:
        (row,) = session.execute(query, {"id": payout_id})
    assert tuple(row) == ("Not given back: Their balance does not cover it.", "staff")
