"""A conversation in a real browser: without script, with it and nothing reloaded, and nothing axe objects to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import expect

from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from app.messages import service
from app.organizations.states import Role
from tests.browser.conftest import Serve, Visit
from tests.browser.test_components import Axe
from tests.factories import organizations, payees, people
from tests.factories.people import PLATFORM
from tests.portals.conftest import _application, app  # noqa: F401 - fixtures

EMAIL = "vera@lumen.test"
PDF = {"name": "proof.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 proof"}


@dataclass(frozen=True)
class Site:
    address: str
    organization_id: UUID
    payee: Actor
    member: Actor
    link: Callable[[], str]

    def answer(self, thread_id: str, body: str) -> None:
        with unit_of_work(Scope.organization(self.organization_id)) as session:
            service.post(session, self.member, UUID(thread_id), body)


@pytest.fixture
def site(app: Flask, serve: Serve) -> Site:  # noqa: F811 - the fixture imported above
    address = serve(app)
    organization_id = organizations.organization("oxford")
    payee = people.payee(payees.vendor(organization_id, "Lumen Print Co."), EMAIL)
    member = people.member(organization_id, Role.MANAGER, "manager@oxford.test")

    def link() -> str:
        with unit_of_work(PLATFORM) as session:
            made = identity.issue_link(session, Portal.VENDOR, EMAIL)
            assert made is not None
            return f"{address}/vendor/signin/{made.token}?next=/vendor/messages"

    return Site(address, organization_id, payee, member, link)


def write(page: Any) -> str:
    """Sign in and start a thread; its id."""
    page.get_by_role("main").get_by_role("button", name=re.compile("Sign in|Continue")).click()
    page.get_by_role("link", name="New message").first.click()
    page.get_by_label("Subject").fill("Window graphics")
    page.get_by_label("Message", exact=True).fill("Monday or Tuesday?\nThe lift is free on both.")
    page.set_input_files("input[type=file]", PDF)
    page.get_by_role("button", name="Send message").click()
    expect(page.get_by_role("heading", name="Window graphics", level=1)).to_be_visible()
    return str(page.url).partition("#")[0].rsplit("/", 1)[1]


def test_question_answer_and_file_without_script(site: Site, visit: Visit) -> None:
    page = visit(site.link(), script=False)
    thread = write(page)
    site.answer(thread, "Monday, please")
    page.goto(f"{site.address}/vendor/messages")
    expect(page.get_by_text("1 new")).to_be_visible()
    page.get_by_role("link", name="Window graphics").click()
    expect(page.get_by_text("Monday, please")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="proof.pdf").click()
    assert download.value.path().read_bytes() == PDF["buffer"]
    page.get_by_label("Your reply").fill("Settled.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("listitem").filter(has_text="Settled.")).to_be_visible()


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_a_conversation_without_reloading(site: Site, visit: Visit, axe: Axe, width: int, dark: bool) -> None:
    page = visit(site.link(), width=width, dark=dark)
    thread = write(page)
    page.evaluate("document.body.dataset.stayed = 'yes'")
    site.answer(thread, "Monday, please")
    page.get_by_label("Your reply").fill("Settled.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".msg")).to_have_count(3)  # the answer that came meanwhile is there too, once
    expect(page.get_by_label("Your reply")).to_have_value("")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Write a message.").first).to_be_visible()
    page.get_by_label("Your reply").fill("Until then.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".msg")).to_have_count(4)
    assert page.evaluate("document.body.dataset.stayed") == "yes"
    assert axe(page) == []
    for path in ("messages", "messages/new", "files", "files?kind=remittance"):
        page.goto(f"{site.address}/vendor/{path}")
        assert axe(page) == [], path
