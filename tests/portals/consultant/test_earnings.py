"""Earnings line by line: what is shown, what is explained, what a file says, and who does not find any of it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import pytest

from app.consultations.models import Consultation
from app.db.session import unit_of_work
from app.earnings.models import HoldReason
from app.identity.states import Portal
from portals.consultant.earnings import WHAT_WAITS
from tests.factories import bookings, consultations, earned, people
from tests.factories.earned import World
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser
from tests.portals.public.test_advisors_many import statements

SignIn = Callable[[Portal, str], Browser]
URL = "/consultant/earnings"


@pytest.fixture
def house(database_url: str) -> UUID:
    return organization("provider")


@pytest.fixture
def world(house: UUID) -> World:
    payee_id = consultations.consultant(house)
    partner = consultations.consultant(house, name="Ines Marques")
    return earned.world(house, payee_id, partner, bookings.client_account())


@pytest.fixture
def priya(world: World, sign_in: SignIn) -> Browser:
    return sign_in(Portal.CONSULTANT, "priya@consultant.test")


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


def links(browser: Browser, query: str = "") -> list[str]:
    return list(dict.fromkeys(re.findall(rf"{URL}/[0-9a-f-]{{36}}", browser.get(URL + query).text)))


def test_the_list(priya: Browser, world: World) -> None:
    shown = plain(priya.get(URL).text)
    for word in ("60 minutes", "Consultation · Ada · 60 min", "Share of a consultation", "Given back", "Bonus"):
        assert word in shown
    assert "Waiting for the session to be held." in shown
    assert "−$10.00" in shown
    assert "Refunded" in shown
    assert len(links(priya)) == 6


def test_filters(priya: Browser, world: World) -> None:
    held = priya.get(f"{URL}?state=held").text
    assert held.count('id="earning-') == 1
    assert "Nothing matches" in priya.get(f"{URL}?month=2020-02").text
    assert priya.get(f"{URL}?month=soon&state=nowhere").text.count('id="earning-') == 6


def test_the_arithmetic(priya: Browser, world: World) -> None:
    panels = [plain(priya.get(url).text) for url in links(priya)]
    assert any("85 % of 100.00 USD: what is left" in one for one in panels)
    assert any("1 of 4 parts of 170.00 USD" in one for one in panels)
    assert any("Every party gives back its part" in one and "Canceled in time" in one for one in panels)
    part = priya.get(links(priya)[0], headers={"HX-Request": "true", "HX-Request-Type": "partial"})
    assert part.status_code == 200
    assert "<html" not in part.text


def test_a_file_of_it(priya: Browser, world: World) -> None:
    answer = priya.get("/consultant/earnings.csv")
    assert answer.content_type.startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert len(rows) == 6
    held = next(row for row in rows if row["state"] == "ready" and row["what"] == "consultation")
    assert (held["client"], held["list_price"], held["platform"], held["organization_part"], held["yours"]) == (
        "Ada", "100.00", "10.00", "5.00", "85.00",
    )  # fmt: skip
    assert "lovelace" not in answer.data.decode().lower()
    only = priya.get("/consultant/earnings.csv?state=held").data.decode("utf-8-sig")
    (waiting,) = csv.DictReader(io.StringIO(only))
    with unit_of_work(PLATFORM) as session:
        ends_at = session.get_one(Consultation, world.coming).ends_at
    assert datetime.fromisoformat(waiting["held_until"]) == ends_at


def test_every_reason_to_wait_has_its_words() -> None:
    assert set(WHAT_WAITS) == set(HoldReason)


def test_others_find_none_of_it(priya: Browser, world: World, sign_in: SignIn) -> None:
    mine = links(priya)
    ines = sign_in(Portal.CONSULTANT, "ines@consultant.test")
    assert ines.get(URL).text.count('id="earning-') == 1
    assert [ines.get(url).status_code for url in mine] == [404] * len(mine)
    people.account(Portal.CLIENT, "sam@client.test")
    sam = sign_in(Portal.CLIENT, "sam@client.test")
    assert [sam.get(url).status_code for url in (URL, "/consultant/earnings.csv", mine[0])] == [404] * 3


def test_many_cost_as_many_statements_as_few(priya: Browser, world: World, house: UUID) -> None:
    def cost() -> int:
        with statements() as seen:
            assert priya.get(URL).status_code == 200
        return len(seen)

    cost()
    few = cost()
    what = bookings.offering(house, world.payee_id, 70_00)
    for number in range(30):
        earned.paid(what, world.payee_id, world.client, hours=200 + number)
    assert cost() == few
    assert "Older" in priya.get(URL).text
    older = re.search(r'rel="next" href="([^"]+)"', priya.get(URL).text)
    assert older is not None
    assert priya.get(older[1].replace("&amp;", "&")).text.count('id="earning-') == 11
