"""Rail events, mails and documents of payouts, run from the outbox as workers do."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.db.session import unit_of_work
from app.payees.models import Payee
from app.rails.base import Outcome, RailEvent, Result
from app.webhooks import service as webhooks
from jobs import documents, runtime
from tests.app.payouts.test_batches import approved, statuses
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.fakes.rail import fake_rail

pytestmark = pytest.mark.usefixtures("database_url")


def run_all() -> None:
    while runtime.run_due():
        pass


def events(*results: Result) -> list[RailEvent]:
    return [RailEvent(f"evt-{r.key}-{r.outcome}", r, {"event": "1"}) for r in results]


@pytest.fixture
def sent(database_url: str):
    """A batch of two, both accepted by the rail; the payees have addresses."""
    maker, checker = make.admin("m@quittance.test"), make.admin("c@quittance.test")
    place: Shop = make.shop(2)
    with unit_of_work(PLATFORM) as session:
        for number, payee_id in enumerate(place.payee_ids):
            session.get_one(Payee, payee_id).email = f"vendor{number}@example.test"
    for payee in range(2):
        make.earn(place, 10_00, payee=payee)
    batch_id = approved(place, maker, checker)
    from app.payouts import batches

    with unit_of_work(PLATFORM) as session:
        batches.run(session, maker, batch_id)
    with fake_rail() as rail:
        run_all()
        yield batch_id, list(rail.orders)


def deliver(*results: Result) -> int:
    with unit_of_work(PLATFORM) as session:
        return webhooks.receive(session, "simulated", events(*results), b"{}")


def mails() -> list[tuple[str, str]]:
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT to_address, template FROM mails WHERE template LIKE 'payout%' ORDER BY 1, 2")
        return [tuple(row) for row in session.execute(query)]


def test_events_settle_payouts_and_tell_the_payee_once(sent) -> None:
    batch_id, keys = sent
    for _ in range(3):
        deliver(*[Result(key, Outcome.PAID, "ref") for key in keys])
        run_all()
    assert statuses(batch_id) == ["paid", "paid"]
    assert mails() == [("vendor0@example.test", "payout_paid"), ("vendor1@example.test", "payout_paid")]
    with unit_of_work(PLATFORM) as session:
        states = session.execute(text("SELECT status, count(*) FROM webhook_events GROUP BY 1")).all()
        assert [tuple(row) for row in states] == [("applied", 2)]
        attached = session.execute(text("SELECT attachment FROM mails WHERE template = 'payout_paid'")).scalars().all()
    pdf = documents.make(attached[0])
    assert pdf.content.startswith(b"%PDF")


def test_a_failure_says_why_and_a_stranger_is_ignored(sent) -> None:
    batch_id, keys = sent
    deliver(
        Result(keys[0], Outcome.FAILED, "", "account_closed", "The account is closed.", "Add an account that is open."),
        Result("payout-of-somebody-else", Outcome.PAID, "ref"),
    )
    run_all()
    assert sorted(statuses(batch_id)) == ["failed", "processing"]
    assert [template for _, template in mails()] == ["payout_failed"]
    with unit_of_work(PLATFORM) as session:
        ignored = session.execute(text("SELECT event_id FROM webhook_events WHERE status = 'ignored'")).scalars().all()
    assert ignored == ["evt-payout-of-somebody-else-paid"]


def test_the_approver_hears_of_a_submitted_batch_and_nobody_else(sent) -> None:
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT to_address FROM mails WHERE template = 'batch_submitted'")
        assert session.execute(query).scalars().all() == ["c@quittance.test"]
