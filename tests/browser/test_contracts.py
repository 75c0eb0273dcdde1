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
from app.notify.models import Mail
from app.notify.service import full_context
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


def draw(page: Any) -> Any:
    """A zigzag on the pad; returns its path."""
    pad = page.get_by_role("img", name="Pad to draw a signature on")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    page.mouse.move(box["x"] + 20, box["y"] + 50)
    page.mouse.down()
    for step in range(1, 20):
        page.mouse.move(box["x"] + 20 + step * 12, box["y"] + (40 if step % 2 else 90))
    page.mouse.up()
    expect(pad.locator("path")).to_have_attribute("d", re.compile("^M[0-9]+ [0-9]+L"))
    return pad.locator("path")


def code_sent() -> str:
    """The newest code that was mailed."""
    with unit_of_work(PLATFORM) as session:
        mail = session.query(Mail).filter(Mail.template == "contract_code").order_by(Mail.id.desc()).first()
        assert mail is not None
        return str(full_context(mail)["code"])


def test_drawn_first_and_the_code_asked_for_after(site: tuple[str, Desk], visit: Visit, axe: Axe) -> None:
    address, oxford = site
    contract_id = oxford.sent(needs_code=True)
    page = enter(visit, address, Portal.CREATOR, "jo@example.test")
    page.goto(f"{address}/creator/contracts/{contract_id}")
    page.get_by_role("button", name="I agree, go on to sign").click()
    page.get_by_label("Your full name").fill("Josephine Bell")
    page.get_by_label("I have read the contract to its end").check()
    path = draw(page)
    drawn = path.get_attribute("d")
    for asked in ("Send me a code", "Send me another code"):  # the second mail may be the one that arrives
        page.get_by_role("button", name=asked, exact=True).click()
        expect(page.get_by_text("The code is on its way").last).to_be_visible()
        expect(page.get_by_role("button", name="Send me another code")).to_be_enabled()
        expect(path).to_have_attribute("d", drawn)
        expect(page.get_by_label("Your full name")).to_have_value("Josephine Bell")
        expect(page.get_by_label("I have read the contract to its end")).to_be_checked()
        expect(page.get_by_label("Code from the e-mail")).to_be_focused()
    assert axe(page) == []
    code = code_sent()
    page.get_by_label("Code from the e-mail").fill("1234567")
    page.keyboard.press("Enter")  # signs, and does not ask for a third code
    expect(page.get_by_text("not the code").first).to_be_visible()
    expect(path).to_have_attribute("d", drawn)
    page.get_by_label("Code from the e-mail").fill(code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("img", name="Drawn signature of")).to_be_visible()
    assert kinds(contract_id) == [SignatureKind.DRAWN] and code_sent() == code


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
    draw(page)
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


def test_the_code_without_script(site: tuple[str, Desk], visit: Visit) -> None:
    address, oxford = site
    contract_id = oxford.sent(needs_code=True)
    page = enter(visit, address, Portal.CREATOR, "jo@example.test", script=False)
    page.goto(f"{address}/creator/contracts/{contract_id}")
    page.get_by_role("button", name="I agree, go on to sign").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Send me a code").click()
    page.get_by_label("Code from the e-mail").fill(code_sent())
    page.get_by_label("I have read the contract to its end").check()
    page.keyboard.press("Enter")
    expect(page.get_by_text("To countersign").first).to_be_visible()
    assert kinds(contract_id) == [SignatureKind.TYPED]


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
