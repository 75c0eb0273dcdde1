"""Who came back, how long sessions were, what fell through and how it was rated, by the month where the reader is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from app.consultations import analytics, earning_sums, reviews
from app.consultations.reviews import Verdict
from app.consultations.states import CancelledBy
from app.consultations.states import ConsultationStatus as S
from app.core import clock
from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from tests.app.consultations import making
from tests.factories import consultations

NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)
STEPS = earning_sums.last_months(date(2026, 11, 20))


@pytest.fixture
def payee_id(database_url: str) -> UUID:
    return consultations.consultant()


def rated(who: Actor, consultation_id: UUID, stars: int, on: datetime) -> None:
    assert who.account_id is not None
    with clock.at(on), unit_of_work(Scope.client(who.account_id)) as session:
        reviews.write(session, who, consultation_id, Verdict(stars))


def found(payee_id: UUID, zone: str = "UTC") -> analytics.Analytics:
    with unit_of_work(Scope.payee(payee_id)) as session:
        return analytics.of_payee(session, payee_id, STEPS, zone)


def test_a_year(payee_id: UUID) -> None:
    noor, sam = making.client("noor@client.test"), making.client("sam@client.test")
    first = making.consultation(payee_id, noor, S.COMPLETED, NOON)
    making.consultation(payee_id, noor, S.COMPLETED, NOON + timedelta(days=30))
    making.consultation(
        payee_id, sam, S.NO_SHOW_CLIENT, NOON + timedelta(days=1), ends_at=NOON + timedelta(days=1, minutes=30)
    )
    making.consultation(payee_id, sam, S.NO_SHOW_CONSULTANT, NOON + timedelta(days=2))
    for by, day in ((CancelledBy.CLIENT, 3), (CancelledBy.CONSULTANT, 4)):
        making.consultation(
            payee_id, sam, S.CANCELLED, NOON + timedelta(days=day), cancelled_at=NOON, cancelled_by=by,
            cancel_reason="Ill",
        )  # fmt: skip
    making.consultation(payee_id, sam, S.COMPLETED, NOON - timedelta(days=900))
    rated(noor, first, 4, NOON + timedelta(days=1))
    told = found(payee_id)
    assert (told.clients, told.returning, told.returning_percent) == (2, 2, 100)  # sam came before
    assert list(told.lengths) == [(30, 1), (60, 2)]
    october = next(one for one in told.months if one.first == date(2026, 10, 1))
    assert (october.held, october.cancelled_by_client, october.cancelled_by_you) == (1, 1, 1)
    assert (october.client_absent, october.you_absent) == (1, 1)
    assert (october.rating, october.reviews) == (Decimal("4.0"), 1)
    assert [one.first for one in told.months] == STEPS
    assert told.held == 2


def test_months_are_the_readers(payee_id: UUID) -> None:
    late = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    making.consultation(payee_id, making.client(), S.COMPLETED, late)
    assert [one.first.month for one in found(payee_id).months if one.held] == [10]
    assert [one.first.month for one in found(payee_id, "Africa/Nairobi").months if one.held] == [11]


def test_nothing_yet(payee_id: UUID) -> None:
    told = found(payee_id)
    assert (told.clients, told.returning_percent, told.held, list(told.lengths)) == (0, None, 0, [])


def test_of_ones_own_only(payee_id: UUID) -> None:
    making.consultation(payee_id, making.client(), S.COMPLETED, NOON)
    other = consultations.consultant(name="Ines Marques")
    assert found(other).held == 0
