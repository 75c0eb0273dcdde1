"""A vendor's business details on the profile page, and that the tax form has to say the same."""

from __future__ import annotations

from typing import Any

import pytest

from app.identity.states import Portal
from tests.factories import people
from tests.portals.payee.conftest import Vendor, World
from tests.portals.payee.test_tax import LINES

PROFILE = "/vendor/settings/profile"
HERE = f"{PROFILE}/business"
LLC = {
    "business_type": "llc", "legal_name": "Lumen Print LLC", "trading_name": "Lumen", "registration_number": "5501-77",
}  # fmt: skip
DIFFERS = "The signed Form W-9 says “C corporation”, the business details say “LLC”."


def test_stated_and_seen_by_both_sides(world: World, vendor: Vendor) -> None:
    answer = vendor.browser.post(HERE, LLC)
    assert (answer.status_code, answer.location) == (303, PROFILE)
    page = vendor.browser.get(PROFILE).text
    assert 'value="Lumen Print LLC"' in page and 'selected value="llc"' in page and 'value="5501-77"' in page
    people.member(world.organization_id, email="owner@oxford.test")
    house = world.sign_in(Portal.ORG, "owner@oxford.test").get(f"/org/oxford/payees/{vendor.payee_id}").text
    for said in ("Lumen Print LLC", "LLC</dd>", "5501-77"):
        assert said in house, said


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"registration_number": "536-90-4399"}, "looks like a social security number"),
        ({"business_type": "gmbh"}, "Not a valid choice"),
        ({"legal_name": "x" * 201}, "200"),
    ],
)
def test_faults_keep_what_was_typed(vendor: Vendor, superuser: Any, wrong: dict[str, str], said: str) -> None:
    for send in (vendor.browser.post, lambda path, data: vendor.browser.htmx("POST", path, data)):
        answer = send(HERE, {**LLC, "trading_name": "Keep me", **wrong})
        assert answer.status_code == 422 and said in answer.text and 'value="Keep me"' in answer.text
    query = "SELECT count(*) FROM payees WHERE trading_name IS NOT NULL OR registration_number IS NOT NULL"
    assert superuser.execute(query).fetchone() == (0,)


def test_both_pages_say_when_the_tax_form_differs(world: World, vendor: Vendor) -> None:
    corporation = {"classification": "c_corporation", "entity_name": "Lumen", "tin_kind": "ein", "tin": "12-3456789"}
    assert vendor.browser.post("/vendor/settings/tax/w9", {**LINES, **corporation}).status_code == 303
    vendor.browser.post(HERE, LLC)
    people.member(world.organization_id, email="owner@oxford.test")
    house = world.sign_in(Portal.ORG, "owner@oxford.test")
    pages = (PROFILE, "/vendor/settings/tax")
    for page in (*map(vendor.browser.get, pages), house.get(f"/org/oxford/payees/{vendor.payee_id}")):
        assert DIFFERS in page.text
    vendor.browser.post(HERE, {**LLC, "business_type": "c_corp"})
    for path in pages:
        assert "The signed Form W-9 says" not in vendor.browser.get(path).text


def test_who_is_no_business_has_no_such_form(world: World) -> None:
    contractor = world.payee(Portal.CONTRACTOR)
    assert 'name="business_type"' not in contractor.browser.get("/contractor/settings/profile").text
    assert contractor.browser.post("/contractor/settings/profile/business", LLC).status_code == 404
    assert contractor.browser.post(HERE, LLC).status_code == 404
