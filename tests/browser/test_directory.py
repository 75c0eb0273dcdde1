"""The directory in a real browser: payees tagged together, a list invited with and without script, axe content."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from jobs.runtime import run_due
from tests.browser.conftest import Visit
from tests.browser.test_components import Axe
from tests.browser.test_org import Site, enter, site  # noqa: F401 - a fixture
from tests.factories import payees
from tests.portals.conftest import _application, app  # noqa: F401 - fixtures

LIST = b"email,name,tags\na@b.test,Amara,vip\nnobody,X,\n"


def test_ticked_payees_get_a_tag_and_one_is_suspended(site: Site, visit: Visit, axe: Axe) -> None:  # noqa: F811
    for name in ("Acorn Trees", "Birch Works"):
        payees.vendor(site.organization_id, name)
    page = visit(site.link())
    home = enter(page)
    page.goto(f"{home}/payees")
    page.get_by_role("checkbox", name="Select Acorn Trees").check()
    page.get_by_role("checkbox", name="Select Birch Works").check()
    page.locator(".bulkbar").get_by_role("button", name="Tags").click()
    sheet = page.locator("#sheet")
    sheet.get_by_role("textbox", name="Tags").fill("<b>")
    sheet.get_by_role("button", name="Save").click()
    expect(sheet.get_by_text("is not a tag").first).to_be_visible()
    assert axe(page) == []
    sheet.get_by_role("textbox", name="Tags").fill("trees")
    sheet.get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile("tag=trees"))
    expect(page.get_by_role("rowheader")).to_have_count(2)
    assert axe(page) == []
    page.get_by_role("link", name="Acorn Trees").click()
    page.get_by_role("button", name="More").click()
    page.get_by_role("link", name="Suspend…").click()
    sheet.get_by_label("Reason").fill("Papers are missing")
    sheet.get_by_role("button", name="Suspend").click()
    expect(page.get_by_text("Suspended: no new work, nothing is paid out")).to_be_visible()
    assert axe(page) == []


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_a_list_is_invited(site: Site, visit: Visit, axe: Axe, tmp_path: Path, script: bool) -> None:  # noqa: F811
    path = tmp_path / "people.csv"
    path.write_bytes(LIST)
    page = visit(site.link(), script=script)
    page.goto(f"{enter(page)}/payee-imports/new?kind=creator")
    if script:
        assert axe(page) == []
    page.set_input_files("input[type=file]", path)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("“nobody” is not an e-mail address")).to_be_visible()
    page.get_by_role("button", name="Invite 1 payee").click()
    expect(page.get_by_text("Tick this, or mend the file").first).to_be_visible()
    if script:
        assert axe(page) == []
    page.get_by_label("Leave the faulty rows out").check()
    page.get_by_role("button", name="Invite 1 payee").click()
    expect(page.get_by_text("Waiting").first).to_be_visible()
    run_due()
    if not script:
        page.reload()
    expect(page.get_by_role("rowheader", name="Amara")).to_be_visible()
    expect(page.get_by_role("link", name="Rows not added as CSV")).to_be_visible()
    if script:
        assert axe(page) == []
