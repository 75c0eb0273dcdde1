"""Bank files and checks: frozen once, released by a second person, settled by the bank's answer."""

from __future__ import annotations

import csv
import hashlib
import io
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.errors import Conflict, Forbidden, Invalid, InvalidTransition
from app.core.scope import Actor
from app.db.session import unit_of_work
from app.payouts import answering, exports
from app.rails.base import Outcome
from jobs import payouts as jobs
from tests.app.payouts.test_batches import approved, run, statuses
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def maker(database_url: str) -> Actor:
    return make.admin("maker@quittance.test")


@pytest.fixture
def checker(database_url: str) -> Actor:
    return make.admin("checker@quittance.test")


def exported(maker: Actor, checker: Actor, *, payees: int = 3, rail: str = "bank_file") -> tuple[Shop, UUID, UUID]:
    place = make.shop(payees, rail=rail)
    for payee in range(payees):
        make.earn(place, 10_00 + payee, payee=payee)
    batch_id = approved(place, maker, checker)
    for chunk_id in run(batch_id, maker):
        jobs.run_chunk(chunk_id)
        jobs.run_chunk(chunk_id)
    with unit_of_work(PLATFORM) as session:
        export_id = session.execute(text("SELECT id FROM payout_exports")).scalar_one()
    return place, batch_id, export_id


def release(export_id: UUID, actor: Actor) -> None:
    with unit_of_work(PLATFORM) as session:
        exports.release(session, actor, export_id)


def downloaded(export_id: UUID, actor: Actor) -> bytes:
    with unit_of_work(PLATFORM) as session:
        return exports.download(session, actor, export_id)[1]


def answered(content: bytes, **statuses: str) -> bytes:
    """The bank's answer: our own file with a status column; statuses by position, default paid."""
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    out = io.StringIO()
    writer = csv.DictWriter(out, [*rows[0], "status", "code"])
    writer.writeheader()
    for number, row in enumerate(rows):
        status, _, code = statuses.get(f"line{number}", "paid").partition(":")
        writer.writerow({**row, "status": status, "code": code})
    return out.getvalue().encode()


def test_a_batch_makes_one_file_and_nobody_is_paid_by_it(maker: Actor, checker: Actor) -> None:
    place, batch_id, export_id = exported(maker, checker)
    assert statuses(batch_id) == ["processing"] * 3
    with pytest.raises(Conflict, match="release"):
        downloaded(export_id, checker)
    with pytest.raises(Forbidden, match="made this export"):
        release(export_id, maker)
    release(export_id, checker)
    content = downloaded(export_id, checker)
    assert content == downloaded(export_id, maker)
    with unit_of_work(PLATFORM) as session:
        export = exports.get(session, export_id)
        assert hashlib.sha256(content).hexdigest() == export.file_sha256
        assert (export.line_count, export.total_minor) == (3, 30_03)
        assert "13010000" not in export.lines_sealed
    assert statuses(batch_id) == ["processing"] * 3
    assert make.balances(place) == {"payee_in_transit": 10_00}


def test_the_answer_file_settles_and_says_who_was_not_paid(maker: Actor, checker: Actor) -> None:
    place, batch_id, export_id = exported(maker, checker)
    release(export_id, checker)
    answer = answered(downloaded(export_id, checker), line1="returned:AC04")
    for expected in ((2, 1, 0), (0, 0, 0)):  # the second time nothing changes
        with unit_of_work(PLATFORM) as session:
            result = answering.answer(session, checker, export_id, answer)
        assert (result.paid, result.failed + result.returned, 0) == expected
    assert sorted(statuses(batch_id)) == ["failed", "paid", "paid"]
    with unit_of_work(PLATFORM) as session:
        message = session.execute(text("SELECT failure_message FROM payouts WHERE status = 'failed'")).scalar_one()
    assert message
    assert sum(make.balances(place, payee).get("payee_available", 0) for payee in range(3)) > 0


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda c: c.replace(b"-a1", b"-a7", 1), "not in the export"),
        (lambda c: c.replace(b"10.00", b"10.99"), "10.00"),
        (lambda c: c.replace(b"paid", b"perhaps", 1), ""),
        (lambda c: b"\x00\xff\xfe garbage", ""),
        (lambda c: b"", ""),
    ],
)
def test_an_answer_that_does_not_fit_changes_nothing(maker: Actor, checker: Actor, spoil, word: str) -> None:
    _, batch_id, export_id = exported(maker, checker)
    release(export_id, checker)
    answer = spoil(answered(downloaded(export_id, checker)))
    with pytest.raises(Invalid) as refused, unit_of_work(PLATFORM) as session:
        answering.answer(session, checker, export_id, answer)
    assert word in str(refused.value.fields) + refused.value.message
    assert statuses(batch_id) == ["processing"] * 3


def test_void_before_release_gives_the_money_back(maker: Actor, checker: Actor) -> None:
    place, batch_id, export_id = exported(maker, checker)
    with unit_of_work(PLATFORM) as session:
        exports.void(session, checker, export_id, "Wrong account of ours")
    assert statuses(batch_id) == ["failed"] * 3
    assert make.balances(place) == {"payee_available": 10_00}
    with pytest.raises(InvalidTransition):
        release(export_id, checker)


def test_checks_have_numbers_that_are_never_used_twice(maker: Actor, checker: Actor) -> None:
    _, batch_id, export_id = exported(maker, checker, rail="check")
    release(export_id, checker)
    with unit_of_work(PLATFORM) as session:
        _, lines = exports.open_lines(session, checker, export_id, "printed")
        assert [line.number for line in lines] == ["000001", "000002", "000003"]
        payout_ids = list(session.execute(text("SELECT id FROM payouts ORDER BY id")).scalars())
        exports.mark(session, checker, payout_ids[0], Outcome.PAID, "Cleared, statement line 4")
    assert sorted(statuses(batch_id)) == ["paid", "processing", "processing"]
    with pytest.raises(Conflict), unit_of_work(PLATFORM) as session:
        exports.mark(session, checker, payout_ids[0], Outcome.PAID, "Again")
    with pytest.raises(Invalid), unit_of_work(PLATFORM) as session:
        exports.mark(session, checker, payout_ids[1], Outcome.PAID, " ")


def test_every_opening_of_destinations_is_audited(maker: Actor, checker: Actor) -> None:
    _, _, export_id = exported(maker, checker)
    release(export_id, checker)
    downloaded(export_id, maker)
    with unit_of_work(PLATFORM) as session:
        rows = session.execute(text("SELECT actor FROM audit_records WHERE action = 'export.downloaded'"))
        assert list(rows.scalars()) == ["Maker"]
