"""The organization's rates: its own part moves, the platform's stays, and one consultant may have another share."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.earnings import rates
from app.earnings.splits import PROVIDER, Rates
from app.organizations.states import Role
from tests.factories.bookings import consultant
from tests.factories.organizations import organization
from tests.portals.conftest import Browser
from tests.portals.org.conftest import House

HERE = "/org/oxford/rates"


def now(house: House, payee_id: UUID) -> Rates:
    with unit_of_work(Scope.organization(house.organization_id)) as session:
        return rates.rates_of(session, house.organization_id, payee_id)


def test_rates_and_an_override(house: House) -> None:
    somebody = consultant(house.organization_id)
    page = house.browser.get(HERE).text
    assert "Meera Iyer" in page and "85%" in page and now(house, somebody) == PROVIDER
    assert house.browser.get(f"{HERE}/new").status_code == 200
    assert house.browser.post(f"{HERE}/new", {"organization_bps": "7.5"}).status_code == 303
    assert now(house, somebody) == Rates(1_000, 750, 8_250, "provider", 1)
    assert house.browser.post(f"{HERE}/{somebody}", {"consultant_bps": "88 %"}).status_code == 303
    assert now(house, somebody) == Rates(1_000, 200, 8_800, "provider", 1, override=True)
    page = house.browser.get(HERE).text
    assert "Version 1" in page and "88%" in page
    assert house.browser.post(f"{HERE}/{somebody}", {"consultant_bps": ""}).status_code == 303
    assert not now(house, somebody).override


@pytest.mark.parametrize(
    ("path", "field", "typed", "told"),
    [
        ("new", "organization_bps", "95", "The platform keeps 10 %"), ("new", "organization_bps", "lots", "percentage"),
        ("new", "organization_bps", "", "percentage"), ("one", "consultant_bps", "91", "90 %"),
        ("one", "consultant_bps", "-1", "percentage"),
    ],
)  # fmt: skip
def test_wrong_input_is_told_beside_the_field(house: House, path: str, field: str, typed: str, told: str) -> None:
    somebody = consultant(house.organization_id)
    answer = house.browser.post(f"{HERE}/{somebody if path == 'one' else path}", {field: typed})
    assert answer.status_code == 422 and 'class="error"' in answer.text and told in answer.text
    assert f'value="{typed}"' in answer.text and now(house, somebody) == PROVIDER


def test_who_is_refused(house: House, strangers: list[Browser]) -> None:
    somebody = consultant(house.organization_id)
    support = house.member(Role.SUPPORT)
    assert support.get(HERE).status_code == 200 and "Change rates" not in support.get(HERE).text
    assert support.post(f"{HERE}/new", {"organization_bps": "7"}).status_code == 403
    assert support.post(f"{HERE}/{somebody}", {"consultant_bps": "90"}).status_code == 403
    for stranger in strangers:
        assert stranger.get(HERE).status_code == 404
    other = consultant(organization("elsewhere"))
    assert house.browser.post(f"{HERE}/{other}", {"consultant_bps": "1"}).status_code == 404
    assert now(house, somebody) == PROVIDER
