"""A month is closed when everything in it is explained, in order, and stays as it is."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.clock import today
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.money import Money
from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from app.ledger import recipes
from app.ledger import service as ledger
from app.reconciliation import desk, months, rules
from app.reporting import doctor
from tests.factories import payouts as make
from tests.factories.statements import PLATFORM, house, imported

pytestmark = pytest.mark.usefixtures("database_url")
THIS = rules.month_start(today())
LAST = rules.month_start(THIS - timedelta(days=1))


@pytest.fixture
def anna(database_url: str) -> Actor:
    return make.admin("anna@quittance.test")


def close(actor: Actor, month: date = LAST) -> None:
    with unit_of_work(PLATFORM) as session:
        months.close(session, actor, month)


def healthy() -> bool:
    with unit_of_work(PLATFORM) as session:
        return doctor.examine(session) == []


def line(day: date) -> UUID:
    imported([(day, f"On {day}", "", "5.00")], name=f"{day}.csv")
    with unit_of_work(PLATFORM) as session:
        return session.execute(text("SELECT id FROM statement_lines WHERE booked_on = :day"), {"day": day}).scalar_one()


def test_a_line_nobody_explained_keeps_the_month_open(anna: Actor) -> None:
    chosen = line(THIS - timedelta(days=1))
    line(THIS)  # of the next month: not in the way
    with pytest.raises(Conflict, match="1 statement line is not explained"):
        close(anna)
    with unit_of_work(PLATFORM) as session:
        now = months.standing(session, LAST)
        assert (now.lines, now.unknown, now.told, now.clear) == (1, 0, True, False)
        desk.suspend(session, anna, chosen, "?")
    close(anna)
    with unit_of_work(PLATFORM) as session:
        (row,) = months.closed(session).items
        assert (row.month, row.closed_by) == (LAST, "Anna")
        assert months.next_month(session) == THIS
    assert healthy()


def test_an_unknown_outcome_keeps_the_month_open(anna: Actor, superuser: Any) -> None:
    place = make.shop(1)
    superuser.execute("SET session_replication_role = replica")
    superuser.execute(
        "INSERT INTO payout_attempts (organization_id, payee_id, payout_id, number, rail, key, request_sha256, status,"
        " created_at) VALUES (%s, %s, uuidv7(), 1, 'simulated', 'k', '', 'unknown', %s)",
        [place.organization_id, place.payee_ids[0], THIS - timedelta(days=2)],
    )
    with pytest.raises(Conflict, match="1 payout has an unknown outcome"):
        close(anna)
    superuser.execute("UPDATE payout_attempts SET status = 'failed'")
    close(anna)


def test_months_are_closed_in_order_and_when_they_are_over(anna: Actor) -> None:
    with pytest.raises(Conflict, match="in order"):
        close(anna, THIS)
    close(anna)
    with pytest.raises(Conflict, match="it is not over"):
        close(anna, THIS)
    with pytest.raises(Conflict, match="in order"):
        close(anna)
    with pytest.raises(Invalid):
        close(anna, THIS + timedelta(days=1))
    with pytest.raises(Forbidden):
        close(Actor("Olga", "ORG_OWNER", None))


def test_nothing_is_posted_in_a_closed_month(anna: Actor, superuser: Any) -> None:
    place = make.shop(1)
    close(anna)
    with unit_of_work(PLATFORM) as session:
        ledger.post(
            session, recipes.DEPOSIT_CONFIRMED, ref="now", organization_id=place.organization_id,
            amount=Money(100, "GBP"), rail="bank",
        )  # fmt: skip
    late = "INSERT INTO ledger_entries (organization_id, kind, ref, created_at) VALUES (:id, 'x', 'late', :then)"
    with pytest.raises(Exception, match="is closed"), unit_of_work(PLATFORM) as session:
        session.execute(text(late), {"id": place.organization_id, "then": THIS - timedelta(days=1)})
    assert healthy()
    superuser.execute("ALTER TABLE ledger_entries DISABLE TRIGGER USER; ALTER TABLE ledger_lines DISABLE TRIGGER USER")
    superuser.execute("UPDATE ledger_entries SET created_at = %s WHERE ref = 'now'", [THIS - timedelta(days=1)])
    superuser.execute("ALTER TABLE ledger_entries ENABLE TRIGGER USER; ALTER TABLE ledger_lines ENABLE TRIGGER USER")
    assert not healthy()


def test_a_late_line_is_for_the_next_month(anna: Actor) -> None:
    close(anna)
    chosen = line(THIS - timedelta(days=3))
    with unit_of_work(PLATFORM) as session:
        assert months.standing(session, THIS).lines == 1
        desk.suspend(session, anna, chosen, "It came late")
    assert healthy()
    assert house()


def test_only_the_platform_closes(anna: Actor) -> None:
    place = make.shop(1)
    with (
        pytest.raises(Exception, match="permission denied"),
        unit_of_work(Scope.organization(place.organization_id)) as session,
    ):
        session.execute(text("INSERT INTO closed_months (month, numbers, closed_by) VALUES ('2026-01-01', '{}', 'x')"))


def test_what_is_kept_of_a_month_can_be_told() -> None:
    assert months.told("0 entries") == (0, [])
    assert months.told("594 entries, EUR 12759660, JPY 5") == (594, [Money(12759660, "EUR"), Money(5, "JPY")])
