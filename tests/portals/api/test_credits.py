"""What is left of seat credits as JSON: for managers and keys of the organization, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from app.core import clock
from app.identity.states import Portal
from app.organizations.states import Role
from tests.app.consultations.test_credits import BOUGHT, EARLY, Place
from tests.factories import people
from tests.portals.api.test_signed_calls import Caller, key
from tests.portals.conftest import Browser


@pytest.fixture
def place(app: Any) -> Place:
    return Place()


def test_the_balance_by_offering(place: Place, client: Browser) -> None:
    with clock.at(EARLY):
        place.book()
        place.buy(10, days=2)
    target = f"/api/organizations/{place.buyer}/credits"
    body = Caller(client, key(place.buyer, "credits.read")).get(target).get_json()
    assert body["nextCursor"] is None
    assert body["data"] == [
        {
            "offeringId": str(place.what.id), "title": "30 minutes", "bought": 15, "left": 14, "valueMinor": 256_50,
            "currency": "USD", "firstExpiresOn": body["data"][0]["firstExpiresOn"],
        }
    ]  # fmt: skip
    assert body["data"][0]["firstExpiresOn"].startswith(str(BOUGHT.year + 1))


def test_who_is_refused(place: Place, client: Browser, sign_in: Any) -> None:
    target = f"/api/organizations/{place.buyer}/credits"
    assert client.get(target).status_code == 401
    assert Caller(client, key(place.buyer, "orders.read")).get(target).status_code == 403
    for role, status in ((Role.MANAGER, 200), (Role.SUPPORT, 403), (Role.LEARNER, 403)):
        people.member(place.buyer, role, f"{role.label.lower()}@fernhill.test")
        assert sign_in(Portal.ORG, f"{role.label.lower()}@fernhill.test").get(target).status_code == status
