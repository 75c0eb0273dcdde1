"""The directory: engagements suspended and taken up again, tags and notes, lists as files."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations.states import Role
from app.payees import service
from app.payees.states import EngagementStatus
from tests.factories import payees, people
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser
from tests.portals.org.conftest import House, statements

BASE = "/org/oxford/payees"


def vendor(house: House, name: str = "Lumen Print Co.", **more: Any) -> str:
    return f"{BASE}/{payees.vendor(house.organization_id, name, **more)}"


def test_suspended_with_a_reason_and_taken_up_again(house: House, superuser: Any) -> None:
    path = vendor(house, email="office@lumen.test")
    asked = house.browser.get(f"{path}/suspension")
    assert "nothing is paid out" in asked.text
    empty = house.browser.post(f"{path}/suspension", {"reason": " "})
    assert empty.status_code == 422 and "Give a reason." in empty.text
    assert house.browser.post(f"{path}/suspension", {"reason": "Papers are missing"}).location == path
    page = house.browser.get(path).text
    assert "Suspended: no new work" in page and "Papers are missing" in page and "Resume" in page
    assert "Lumen" in house.browser.get(f"{BASE}?status=suspended").text
    assert "Nobody matches" in house.browser.get(f"{BASE}?status=paused").text
    again = house.browser.post(f"{path}/suspension", {"reason": "Once more"})
    assert again.status_code == 409 and "suspended already" in again.text
    assert house.browser.post(f"{path}/resumption").location == path
    page = house.browser.get(path).text
    assert "Suspended: no new work" not in page and "Papers are missing" in page  # the history keeps it
    told = superuser.execute("SELECT to_address, subject FROM mails WHERE template = 'engagement_changed' ORDER BY id")
    assert told.fetchall() == [
        ("office@lumen.test", "Oxford suspended the work with you"),
        ("office@lumen.test", "Oxford works with you again"),
    ]


def test_what_the_platform_suspended_offers_no_way_back(house: House) -> None:
    path = vendor(house)
    with unit_of_work(PLATFORM) as session:
        admin = people.admin()
        payee_id = next(iter(house.payees().values())).payee_id
        service.set_status(
            session, admin, house.organization_id, payee_id, EngagementStatus.SUSPENDED, reason="Sanctions list"
        )
    page = house.browser.get(path).text
    assert "Decided by Quittance" in page and f"{path}/resumption" not in page
    refused = house.browser.post(f"{path}/resumption")
    assert refused.status_code == 409 and "only Quittance can end that" in refused.text


def test_tags_of_one_and_of_many(house: House) -> None:
    path, other = vendor(house), vendor(house, "Acorn Trees")
    wrong = house.browser.post(f"{path}/tags", {"tags": "vip, <b>"})
    assert wrong.status_code == 422 and "is not a tag" in wrong.text and 'value="vip, &lt;b&gt;"' in wrong.text
    assert house.browser.post(f"{path}/tags", {"tags": "VIP, North  West"}).location == path
    assert "north west" in house.browser.get(path).text
    ids = [one.rpartition("/")[2] for one in (path, other)]
    form = house.browser.get(f"{BASE}/tags?id={ids[0]}&id={ids[1]}").text
    assert "Tags of 2 payees" in form and "In use: north west, vip" in form
    none = house.browser.post(f"{BASE}/tags", {"id": ids, "tags": "", "change": "add"})
    assert none.status_code == 422 and "Give at least one tag." in none.text and ids[1] in none.text
    assert house.browser.post(f"{BASE}/tags", {"id": ids, "tags": "2026", "change": "add"}).status_code == 303
    found = house.browser.get(f"{BASE}?tag=2026").text
    assert "Lumen" in found and "Acorn" in found and "2026 (2)" in found
    assert "Acorn" not in house.browser.get(f"{BASE}?tag=vip").text
    assert house.browser.post(f"{BASE}/tags", {"id": ids[:1], "tags": "2026", "change": "remove"}).status_code == 303
    assert "Lumen" not in house.browser.htmx("GET", f"{BASE}?tag=2026").text
    assert house.browser.get(f"{BASE}/tags").status_code == 422  # nobody chosen


def test_notes_are_kept_and_never_shown_to_the_payee(house: House, sign_in: Any) -> None:
    path = vendor(house)
    empty = house.browser.post(f"{path}/notes", {"text": "  "})
    assert empty.status_code == 422 and "Write the note first." in empty.text
    long = house.browser.post(f"{path}/notes", {"text": "x" * 4_001})
    assert long.status_code == 422 and "xxxx" in long.text
    assert house.browser.post(f"{path}/notes", {"text": "Asks for advances <b>"}).location == f"{path}/notes"
    assert "Asks for advances &lt;b&gt;" in house.browser.get(path).text
    house.browser.post(f"{path}/tags", {"tags": "slow payer"})
    people.payee(UUID(path.rpartition("/")[2]), "own@lumen.test")
    lumen = sign_in(Portal.VENDOR, "own@lumen.test")
    for page in ("payments", "requests", "settings/profile", "messages", "files", "contracts"):
        answer = lumen.get(f"/vendor/{page}")
        assert answer.status_code == 200, page
        assert "advances" not in answer.text and "slow payer" not in answer.text, page


def test_the_list_as_a_file_holds_what_the_filters_find(house: House) -> None:
    path = vendor(house, reference="=2+3", terms_days=30)
    vendor(house, "Acorn Trees")
    house.browser.post(f"{path}/tags", {"tags": "b, a"})
    lines = house.browser.get(f"{BASE}.csv").text.splitlines()
    assert len(lines) == 3 and lines[0].startswith("Name,Legal name,Business type")
    filtered = house.browser.get(f"{BASE}.csv?tag=a&kind=vendor").text.splitlines()
    assert len(filtered) == 2 and "'=2+3" in filtered[1] and '"a, b"' in filtered[1] and ",30," in filtered[1]
    with statements() as few:
        house.browser.get(BASE)
    for number in range(30):
        vendor(house, f"Vendor {number}")
    with statements() as many:
        house.browser.get(BASE)
    assert len(many) == len(few)


def test_who_is_refused(house: House, strangers: list[Browser]) -> None:
    path, support = vendor(house), house.member(Role.SUPPORT)
    ids = {"id": path.rpartition("/")[2]}
    assert support.get(f"{BASE}.csv").status_code == 200 and support.get(f"{path}/notes").status_code == 200
    page = support.get(BASE).text
    assert "data-check-all" not in page
    for url, form in (
        (f"{path}/suspension", {"reason": "x"}),
        (f"{path}/resumption", {}),
        (f"{path}/tags", {"tags": "x"}),
        (f"{path}/notes", {"text": "x"}),
        (f"{BASE}/tags", {**ids, "tags": "x", "change": "add"}),
    ):
        assert support.post(url, form).status_code == 403, url
        for stranger in strangers:
            assert stranger.post(url, form).status_code == 404, url
    for stranger in strangers:
        assert stranger.get(f"{BASE}.csv").status_code == 404
        assert stranger.get(f"{path}/notes").status_code == 404
    with unit_of_work(Scope.organization(house.organization_id)) as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM engagement_tags").scalar_one() == 0


@pytest.mark.parametrize("currency", ["USD", "GBP"])
def test_the_state_of_the_tax_form_is_told_but_no_number(house: House, superuser: Any, currency: str) -> None:
    path = vendor(house, currency=currency)
    assert "Not signed" in house.browser.get(path).text
    superuser.execute("UPDATE organizations SET tax_form_required = true")
    assert ("Missing: you pay only with" in house.browser.get(path).text) == (currency == "USD")
