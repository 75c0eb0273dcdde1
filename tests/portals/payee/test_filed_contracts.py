"""A contract that was signed elsewhere is put on file by its upload or its address, with the day it was signed."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.clock import at, today
from app.identity.states import Portal
from app.organizations.states import Role
from tests.factories import people
from tests.portals.payee.conftest import Vendor, World

NEW = "/vendor/contracts/new"
PDF = b"%PDF-1.7 signed\n%%EOF"
LINK = "https://files.example.test/frame"


def fields(**changes: Any) -> dict[str, Any]:
    return {"title": "Frame agreement", "signed_on": today().isoformat(), "organization": "oxford", **changes}


def filed(superuser: Any) -> list[tuple[str, str, str]]:
    rows = superuser.execute("SELECT title, form, status FROM contracts ORDER BY id").fetchall()
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("portal", [Portal.VENDOR, Portal.CONTRACTOR])
def test_by_upload_and_by_link(world: World, superuser: Any, portal: Portal) -> None:
    payee = world.payee(portal, "Tomas Rivera")
    new = f"/{portal.value}/contracts/new"
    for more in ({"link_url": LINK}, {"files": (io.BytesIO(PDF), "frame.pdf")}):
        made = payee.browser.post(new, fields(signed_on="2026-01-31", **more))
        page = payee.browser.get(made.location).text
        assert made.status_code == 303 and "On file" in page and "2026-01-31" in page
    assert filed(superuser) == [("Frame agreement", "link", "on_file"), ("Frame agreement", "upload", "on_file")]
    listed = payee.browser.get(f"/{portal.value}/contracts").text
    assert listed.count("Frame agreement") >= 2
    people.member(world.organization_id, Role.MANAGER, "manager@oxford.test")
    house = world.sign_in(Portal.ORG, "manager@oxford.test").get("/org/oxford/contracts").text
    assert "Frame agreement" in house and "Tomas Rivera" in house


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "Choose a file or give an address, one of the two."),
        ({"link_url": LINK, "files": (io.BytesIO(PDF), "frame.pdf")}, "Choose a file or give an address"),
        ({"link_url": "javascript:alert(1)"}, "beginning with https://."),
        ({"link_url": "http://files.example.test/a"}, "beginning with https://."),
        ({"link_url": "https://[::1"}, "beginning with https://."),
        ({"link_url": "https://oxford.example.test@evil.example.test/"}, "beginning with https://."),
        ({"link_url": LINK, "signed_on": "2999-01-01"}, "not later than today."),
        ({"link_url": LINK, "signed_on": "1899-01-01"}, "Give the day it was signed"),
        ({"link_url": LINK, "signed_on": ""}, "Give the day it was signed."),
        ({"link_url": LINK, "signed_on": "soon"}, "Not a valid date value."),
        ({"link_url": LINK, "title": " "}, "Give the contract a title."),
        ({"link_url": LINK, "organization": "elsewhere"}, "Not a valid choice"),
        ({"files": (io.BytesIO(b"a,b\n1,2\n"), "frame.csv")}, "frame.csv is no PDF, picture or Word file."),
        ({"files": (io.BytesIO(b"MZ program"), "frame.pdf")}, "its content is something else."),
    ],
)
def test_wrong_input_is_named_and_nothing_is_kept(
    vendor: Vendor, superuser: Any, wrong: dict[str, Any], said: str
) -> None:
    if "files" in wrong:  # a stream is read once
        content, name = wrong["files"]
        wrong = {**wrong, "files": (io.BytesIO(content.getvalue()), name)}
    sent = fields(**{"title": "Frame of 2026", **wrong})
    answer = vendor.browser.post(NEW, sent)
    assert answer.status_code == 422 and said in answer.text
    if sent["title"].strip():
        assert 'value="Frame of 2026"' in answer.text
    assert filed(superuser) == []
    assert superuser.execute("SELECT count(*) FROM stored_files").fetchone() == (0,)


def test_the_file_survives_a_wrong_day(vendor: Vendor, superuser: Any) -> None:
    answer = vendor.browser.post(NEW, fields(signed_on="2999-01-01", files=(io.BytesIO(PDF), "frame.pdf")))
    (token,) = re.findall(r'name="kept_file" value="([^"]+)"', answer.text)
    made = vendor.browser.post(NEW, fields(kept_file=token))
    assert made.status_code == 303 and vendor.browser.get(f"{made.location}/file").data == PDF


def test_today_is_where_the_reader_is(vendor: Vendor, superuser: Any) -> None:
    superuser.execute("UPDATE accounts SET time_zone = 'Pacific/Auckland'")
    with at(datetime(2026, 11, 21, 20, tzinfo=UTC)):  # Sunday morning there
        assert 'value="2026-11-22"' in vendor.browser.get(NEW).text
        assert vendor.browser.post(NEW, fields(signed_on="2026-11-22", link_url=LINK)).status_code == 303
        assert vendor.browser.post(NEW, fields(signed_on="2026-11-23", link_url=LINK)).status_code == 422


def test_who_may_not(world: World, vendor: Vendor, stranger: Vendor, superuser: Any) -> None:
    made = vendor.browser.post(NEW, fields(files=(io.BytesIO(PDF), "frame.pdf"))).location
    assert stranger.browser.get(made).status_code == 404
    assert stranger.browser.get(f"{made}/file").status_code == 404
    creator = world.payee(Portal.CREATOR, "Ana Sol")
    assert creator.browser.get("/creator/contracts/new").status_code == 404
    assert creator.browser.post("/creator/contracts/new", fields(link_url=LINK)).status_code == 404
    people.member(world.organization_id, Role.SUPPORT, "support@oxford.test")
    support = world.sign_in(Portal.ORG, "support@oxford.test")
    path = f"/org/oxford/payees/{vendor.payee_id}/contracts/file"
    yesterday = (today() - timedelta(days=1)).isoformat()
    assert support.post(path, {"title": "X", "signed_on": yesterday, "link_url": LINK}).status_code == 403
    assert len(filed(superuser)) == 1
