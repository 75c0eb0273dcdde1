"""The numbers beside consultants are those of their consultations, charges and earnings."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.charges.states import ReturnKind
from app.consultations import directory
from app.consultations.directory import Sort, Wanted
from app.consultations.states import ConsultationStatus as S
from app.core.clock import utc_now
from app.core.money import Money
from app.db.session import unit_of_work
from app.reporting import consultants
from tests.factories import bookings as make
from tests.factories import client_money as money
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM
from tests.portals.admin.test_statements import statements

pytestmark = pytest.mark.usefixtures("database_url")


def test_numbers_of_a_page_in_one_statement() -> None:
    fernhill, ada = organization("fernhill", currency="USD"), make.client_account()
    meera, tomas, idle = (make.consultant(fernhill, name=name) for name in ("Meera Iyer", "Tomas Lind", "Idle"))
    long, rupees = make.offering(fernhill, meera, 100_00), make.offering(fernhill, meera, 500_00, "INR")
    make.collaborators(long.id, (meera, 3), (tomas, 1))
    held, missed, gone, ahead, foreign = (
        make.booked(offering, meera, ada, hours=48 + n) for n, offering in enumerate([long, long, long, long, rupees])
    )
    for one in (held, missed, gone, ahead, foreign):
        money.paid(one)
    make.advance(held.id, S.COMPLETED)
    make.advance(missed.id, S.NO_SHOW_CLIENT)
    make.advance(gone.id, S.CANCELLED)
    money.returned(money.asked_back(gone.id))
    money.returned(money.asked_back(held.id, 50_00, ReturnKind.DISPUTE))
    make.booked(long, meera, ada, hours=99)  # nobody has paid for it
    now = utc_now()
    with unit_of_work(PLATFORM) as session, statements() as sent:
        ids = [meera, tomas, idle]
        found = consultants.metrics(session, ids, now, now + timedelta(hours=49, minutes=30))
        assert consultants.metrics(session, [], now, now) == {}
    assert len(sent) == 1 and set(found) == {meera, tomas}
    hers, his = found[meera], found[tomas]
    assert (hers.sessions, hers.month, hers.booked, hers.completed, hers.cancelled, hers.absent) == (4, 2, 2, 1, 1, 1)
    assert hers.next_at == ahead.starts_at
    assert [(one.charged.currency, one.charged.minor) for one in hers.sums] == [("INR", 500_00), ("USD", 250_00)]
    dollars = hers.sums[1]
    assert dollars.platform == Money(25_00, "USD") and dollars.earned.minor + his.sums[0].earned.minor == 212_50
    assert his.sessions == 0 and his.sums[0].charged.minor == 0 and his.sums[0].earned.minor > 0


def test_by_name_and_by_sessions() -> None:
    fernhill, ada = organization("fernhill", currency="USD"), make.client_account()
    people = [make.consultant(fernhill, name=name) for name in ("Carla", "Ayo", "Bo", "Ayo")]
    for n, person in enumerate((people[1], people[1], people[2])):
        one = make.booked(make.offering(fernhill, person, 10_00), person, ada, hours=48 + n)
        make.advance(one.id, S.BOOKED)

    def pages(sort: Sort) -> list[str]:
        names, cursor = [], None
        with unit_of_work(PLATFORM) as session:
            while True:
                found = directory.by(session, Wanted(listed=None), sort, cursor, 1)
                names += [row.name for row in found.items]
                if (cursor := found.next_cursor) is None:
                    return names

    assert pages(Sort.NAME) == ["Ayo", "Ayo", "Bo", "Carla"]
    assert pages(Sort.SESSIONS)[:2] == ["Ayo", "Bo"] and len(pages(Sort.SESSIONS)) == 4
