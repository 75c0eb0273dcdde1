"""Who sees which charges, and what went back of them."""

from __future__ import annotations

import pytest

from app.charges import client_queries as queries
from app.charges.client_queries import ReturnView
from app.charges.states import ChargeProvider, ChargeStatus, ReturnKind
from app.consultations import money
from app.consultations.states import Practice
from app.core.errors import NotFound
from app.core.money import Money
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from tests.factories import bookings as make
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")


def test_a_charge_is_its_clients_and_the_organizations() -> None:
    house, other = organization("house", is_house=True, currency="USD"), organization("other")
    advisor, client = make.consultant(house, Practice.ADVISOR), make.client_account()
    held = make.booked(make.offering(house, None, 900), advisor, client)
    with unit_of_work(PLATFORM) as session:
        made = money.charge(session, SYSTEM, held, ChargeProvider.SIMULATED)
        money.paid(session, SYSTEM, made.id)
        amount = Money(100, "USD")
        back = money.give_back(session, SYSTEM, held.id, amount=amount, kind=ReturnKind.REFUND, reason="Late").id
        pending = queries.returns_across(session, ReturnView.WAITING)
        assert [(row.id, row.organization, row.subject_id) for row in pending.items] == [(back, "House", held.id)]
        money.returned(session, SYSTEM, back)
        assert queries.returns_across(session, ReturnView.WAITING).items == []
        assert len(queries.returns_across(session, ReturnView.DONE).items) == 1
    for scope in (Scope.client(client), Scope.organization(house), PLATFORM):
        with unit_of_work(scope) as session:
            row = queries.charge(session, money.SUBJECT, held.id)
            assert (row.status, row.amount_minor, row.fee_minor, row.refunded_minor) == ("succeeded", 900, 270, 100)
            assert [one.reason for one in queries.returns(session, row.id)] == ["Late"]
            assert [one.slug for one in queries.charges(session, status=ChargeStatus.SUCCEEDED).items] == ["house"]
            assert queries.charges(session, organization_id=other).items == []
    for scope in (Scope.client(make.client_account("Eve", "eve@client.test")), Scope.organization(other)):
        with unit_of_work(scope) as session:
            assert queries.charges(session).items == [] and queries.returns(session, made.id) == []
            with pytest.raises(NotFound):
                queries.charge(session, money.SUBJECT, held.id)
    with unit_of_work(Scope.payee(advisor)) as session:  # a consultant sees earnings, never what the client paid
        assert queries.charges(session).items == []
