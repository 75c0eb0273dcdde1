"""What only an organization with consultants needs stands in its menu alone; where it has nothing to share by rates
there is no page of them either."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from app.db.session import unit_of_work
from app.payees.states import PayeeKind
from tests.factories import consultations, payees
from tests.factories.people import PLATFORM
from tests.portals.org.conftest import House

LINKS = ('href="/org/oxford/appointments"', 'href="/org/oxford/rates"')


def of_kind(house: House, kind: str) -> None:
    with unit_of_work(PLATFORM) as session:
        asked = {"kind": kind, "id": house.organization_id}
        session.execute(text("UPDATE organizations SET kind = :kind WHERE id = :id"), asked)


def in_menu(house: House) -> list[bool]:
    page = house.browser.get("/org/oxford/members").text
    return [link in page for link in LINKS]


def test_a_buyer_without_consultants_has_no_links_and_pages_that_say_what_comes(house: House) -> None:
    assert in_menu(house) == [False, False]
    told = house.browser.get("/org/oxford/appointments")
    assert told.status_code == 200 and "Nobody works with you as a doctor" in told.text
    told = house.browser.get("/org/oxford/rates")
    assert told.status_code == 404 and "has no consultants" in told.text
    assert house.browser.get("/org/oxford/rates/new").status_code == 404
    assert house.browser.post("/org/oxford/rates/new", {"organization_bps": "7"}).status_code == 404


def test_with_a_consultant_or_as_a_provider_the_links_are_there(house: House) -> None:
    for kind in ("PROVIDER", "HYBRID"):
        of_kind(house, kind)
        assert in_menu(house) == [True, True]
        assert "No consultants yet" in house.browser.get("/org/oxford/rates").text
    of_kind(house, "BUYER")
    consultations.consultant(house.organization_id)
    assert in_menu(house) == [True, True]
    assert house.browser.get("/org/oxford/rates").status_code == 200
    assert "They come from a program" in house.browser.get("/org/oxford/appointments").text


def test_somebody_without_a_profile_is_reached_from_their_own_page(house: House) -> None:
    who: UUID = payees.vendor(house.organization_id, "Dr. Amina Hassan", kind=PayeeKind.CONSULTANT)
    page = house.browser.get(f"/org/oxford/payees/{who}").text
    assert f"/org/oxford/appointments?payee={who}" in page and "/org/oxford/rates" not in page
    for kind, linked in (("BUYER", False), ("PROVIDER", True)):
        of_kind(house, kind)
        for path in (f"payees/{who}", "settings"):
            assert (LINKS[1] in house.browser.get(f"/org/oxford/{path}").text) is linked, (kind, path)
