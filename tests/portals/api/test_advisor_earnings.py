"""GET /api/v1/advisors/earnings: what a month came to, as the consultant's own programs read it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.core.clock import utc_now
from app.identity.states import Portal
from tests.factories import bookings, consultations, earned, people
from tests.factories.organizations import organization
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
URL = "/api/v1/advisors/earnings"


@pytest.fixture
def priya(database_url: str, sign_in: SignIn) -> Browser:
    house = organization("provider")
    payee_id = consultations.consultant(house)
    partner = consultations.consultant(house, name="Ines Marques")
    earned.world(house, payee_id, partner, bookings.client_account())
    return sign_in(Portal.CONSULTANT, "priya@consultant.test")


def test_a_month(priya: Browser) -> None:
    now = utc_now()
    months = {f"{now:%Y-%m}", f"{now.year + now.month // 12}-{now.month % 12 + 1:02d}"}
    found = [line for month in months for line in priya.get(f"{URL}?month={month}").json["data"]]
    assert {line["currency"] for line in found} == {"USD"}

    def total(name: str) -> int:
        return sum(line[name] for line in found)

    assert total("sessions") == 4
    assert total("gross_minor") == 3 * 100_00 + 200_00 + 0
    assert total("platform_fee_minor") == 50_00
    assert total("organization_fee_minor") == 25_00
    assert total("collaborators_minor") == 127_50
    assert total("adjustments_minor") == 12_00 - 85_00
    assert total("payable_minor") == 85_00 + 85_00 + 42_50 + 12_00
    assert (total("held_minor"), total("paid_minor")) == (85_00, 0)
    for line in found:
        assert line["payable_minor"] == (
            line["gross_minor"] - line["platform_fee_minor"] - line["organization_fee_minor"]
            - line["collaborators_minor"] + line["adjustments_minor"]
        )  # fmt: skip


def test_the_present_month_unless_said(priya: Browser) -> None:
    answer = priya.get(URL)
    assert answer.json["month"] == f"{utc_now():%Y-%m}"
    assert priya.get(f"{URL}?month=2020-02").json == {"month": "2020-02", "data": []}


@pytest.mark.parametrize("month", ["2026", "2026-13", "2026-00", "soon", "2026-1", "٢٠٢٦-٠١", "9999-99"])
def test_what_is_no_month(priya: Browser, month: str) -> None:
    answer = priya.get(f"{URL}?month={month}")
    assert answer.status_code == 422
    assert "month" in answer.json["errors"]


def test_others(priya: Browser, client: Browser, sign_in: SignIn) -> None:
    assert client.get(URL).status_code == 401
    people.account(Portal.CLIENT, "sam@client.test")
    assert sign_in(Portal.CLIENT, "sam@client.test").get(URL).status_code == 404
    people.admin("admin@quittance.test")
    assert sign_in(Portal.ADMIN, "admin@quittance.test").get(URL).status_code == 404
