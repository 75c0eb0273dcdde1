"""A contract in a real browser: drawn with the pointer, typed without script; axe has nothing to say."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import expect

from app.contracts import queries
from app.contracts.states import ContractStatus, SignatureKind
from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from jobs import contracts
from tests.browser.conftest import Serve, Visit
from tests.browser.test_components import Axe
from tests.factories.contracts import Desk, desk
from tests.factories.people import PLATFORM
from tests.portals.conftest import _application, app  # noqa: F401 - fixtures


@pytest.fixture
def site(app: Flask, serve: Serve) -> tuple[str, Desk]:  # noqa: F811 - the fixture imported above
    return serve(app), desk()


def enter(visit: Visit, address: str, portal: Portal, email: str, **how: Any) -> Any:
    with unit_of_work(PLATFORM) as session:
        made = identity.issue_link(session, portal, email)
    assert made is not None
    page = visit(f"{address}/{portal.value}/signin/{made.token}", **how)
    page.get_by_role("main").get_by_role("button", name=re.compile("Sign in|Continue")).click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


def kinds(contract_id: UUID) -> list[SignatureKind]:
    with unit_of_work(PLATFORM) as session:
        return [row.kind for row in queries.signatures(session, contract_id)]


def test_signed_by_drawing_countersigned_and_checked(site: tuple[str, Desk], visit: Visit, axe: Axe) -> None:
    address, oxford = site
    contract_id = oxford.sent()
    page = enter(visit, address, Portal.CREATOR, "jo@example.test")
    page.goto(f"{address}/creator/contracts")
    page.get_by_role("link", name="Agreement with Jo Bell").click()
    expect(page.get_by_role("heading", name="Scope")).to_be_visible()
    page.get_by_role("button", name="I agree, go on to sign").click()
    pad = page.get_by_role("img", name="Pad to draw a signature on")
    expect(pad).to_be_visible()
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    page.mouse.move(box["x"] + 20, box["y"] + 50)
    page.mouse.down()
    for step in range(1, 20):
        page.mouse.move(box["x"] + 20 + step * 12, box["y"] + (40 if step % 2 else 90))
    page.mouse.up()
    expect(pad.locator("path")).to_have_attribute("d", re.compile("^M[0-9]+ [0-9]+L"))
    assert axe(page) == []
    page.get_by_role("button", name="Sign the contract").click()
    expect(page.get_by_text("Confirm that you have read").first).to_be_visible()
    expect(pad.locator("path")).to_have_attribute("d", re.compile("^M[0-9]+ [0-9]+L"))  # nothing is lost
    page.get_by_label("I have read the contract to its end").check()
    page.get_by_role("button", name="Sign the contract").click()
    expect(page.get_by_role("img", name="Drawn signature of")).to_be_visible()
    assert kinds(contract_id) == [SignatureKind.DRAWN]
    oxford.countersign(contract_id)
    with ThreadPoolExecutor(1) as worker:  # as a worker does: the browser’s event loop runs in this thread
        worker.submit(contracts.seal, str(contract_id)).result()
    page.reload()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    page.goto(f"{address}/verify")
    page.locator("input[type=file]").set_input_files(download.value.path())
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("This is the contract as it was sealed")).to_be_visible()
    assert axe(page) == []


def test_signed_by_typing_without_script(site: tuple[str, Desk], visit: Visit) -> None:
    address, oxford = site
    contract_id = oxford.sent()
    page = enter(visit, address, Portal.CREATOR, "jo@example.test", script=False)
    page.goto(f"{address}/creator/contracts/{contract_id}")
    page.get_by_role("button", name="I agree, go on to sign").click()
    expect(page.locator(".signpad")).to_be_hidden()
    page.get_by_label("Your full name").fill("Jo Bell")
    page.get_by_label("I have read the contract to its end").check()
    page.get_by_role("button", name="Sign the contract").click()
    expect(page.get_by_text("To countersign").first).to_be_visible()
    assert kinds(contract_id) == [SignatureKind.TYPED]
    assert oxford.get(contract_id).status is ContractStatus.SIGNED
    org = enter(visit, address, Portal.ORG, "ada@oxford.test", script=False)
    org.goto(f"{address}/org/oxford/contracts/{contract_id}")
    org.get_by_role("link", name="Sign for Oxford").click()
    org.get_by_label("Your full name").fill("Ada Min")
    org.get_by_role("button", name="Sign the contract").click()
    expect(org.get_by_text("Being sealed").first).to_be_visible()
