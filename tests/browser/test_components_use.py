"""The living page in use: by mouse, by keyboard, with the server saying no, and without script."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import expect

from portals.web import components_page, setup
from tests.browser.conftest import Serve, Visit
from tests.browser.test_components import Axe


@pytest.fixture
def site(serve: Serve) -> str:
    app = Flask("components", template_folder=str(setup.TEMPLATES), static_folder=None)
    app.secret_key = "only for these tests, but long enough"
    setup.init_app(app)
    app.register_blueprint(components_page.bp)
    return serve(app) + "/dev/components/"


def test_axe_would_find_a_fault(serve: Serve, visit: Visit, axe: Axe) -> None:
    app = Flask("faulty")
    app.add_url_rule("/", view_func=lambda: "<html><body><input><p style='color:#ccc;background:#fff'>faint</p>")
    found = axe(visit(serve(app)))
    assert any(finding.startswith("label ") for finding in found)
    assert any(finding.startswith("color-contrast ") for finding in found)


def test_a_dialog_keeps_the_form_on_a_fault_and_shows_the_result_in_place(site: str, visit: Visit, axe: Axe) -> None:
    page = visit(site)
    page.locator("#balances").get_by_role("link", name="Withdraw").click()
    expect(page.get_by_role("dialog", name="Withdraw to your bank")).to_be_visible()
    dialog = page.locator("#withdraw")
    amount = dialog.get_by_label("Amount")
    expect(amount).to_be_focused()
    amount.fill("4,000")
    dialog.get_by_role("button", name="Withdraw").click()

    expect(dialog.get_by_text("That is more than your available balance of $3,412.50.")).to_be_visible()
    expect(amount).to_have_value("4,000")
    expect(amount).to_be_focused()
    expect(amount).to_have_attribute("aria-describedby", "amount-e amount-hint")
    assert axe(page) == []

    amount.fill("3,412.50")
    dialog.get_by_role("button", name="Withdraw").click()
    heading = dialog.get_by_role("heading", name="Withdrawal requested")
    expect(heading).to_be_focused()
    expect(page.locator("#toasts")).to_contain_text("WD-3402 is waiting for Fernhill Studio.")
    dialog.get_by_role("button", name="Done").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#balances").get_by_role("link", name="Withdraw")).to_be_focused()


def test_a_sheet_opens_over_the_page_and_closes_when_the_change_is_made(site: str, visit: Visit, axe: Axe) -> None:
    page = visit(site)
    page.get_by_role("button", name="Details for Amara Okafor").click()
    drawer = page.locator("#d-b2")
    expect(drawer.get_by_role("heading", name="Breakdown")).to_be_visible()
    assert axe(page) == []

    drawer.get_by_role("link", name="Reject").click()
    sheet = page.get_by_role("dialog", name="Reject this payout?")
    expect(sheet).to_be_visible()
    assert axe(page) == []
    sheet.get_by_role("button", name="Reject payout").click()
    expect(sheet.get_by_text("Say why, the payee sees it.")).to_be_visible()
    expect(sheet.get_by_label("Reason")).to_be_focused()
    sheet.get_by_label("Reason").fill("Billed twice")
    sheet.get_by_role("button", name="Reject payout").click()

    expect(page.locator("#sheet")).to_be_hidden()
    expect(page.locator("#b2")).to_have_count(0)
    expect(page.locator("#d-b2")).to_have_count(0)
    expect(page.locator("#toasts")).to_contain_text("Rejected")


def test_ticked_rows_are_added_up_and_approved_together(site: str, visit: Visit) -> None:
    page = visit(site)
    bar = page.get_by_role("form", name="Selected payouts")
    expect(bar).to_be_hidden()
    page.get_by_role("checkbox", name="Select Amara Okafor, $4,250.00").check()
    page.get_by_role("checkbox", name="Select Jules Tremblay, $612.40").check()
    expect(bar).to_contain_text("2 selected $4,862.40")
    blocked = page.get_by_role("checkbox", name=re.compile("Select Lumen Print Co.*not selectable: over"))
    expect(blocked).to_be_disabled()

    bar.get_by_role("button", name="Approve").click()
    expect(page.locator("#b2")).to_contain_text("Approved")
    expect(page.locator("#b3")).to_contain_text("Approved")
    expect(page.locator("#b4")).to_contain_text("On hold")
    expect(page.locator("#toasts")).to_contain_text("2 approved")
    expect(bar).to_be_hidden()


def test_tabs_change_the_address_and_the_back_button_returns(site: str, visit: Visit) -> None:
    page = visit(site)
    page.get_by_role("link", name="Failed").click()
    expect(page.locator("#queue")).to_contain_text("Nothing matches these filters")
    expect(page).to_have_url(re.compile(r"view=failed"))
    page.go_back()
    expect(page.locator("#queue")).to_contain_text("Amara Okafor")


def test_faults_of_ours_leave_the_page_and_name_a_reference(site: str, visit: Visit) -> None:
    page = visit(site)
    page.get_by_role("button", name="Fail on our side").click()
    toast = page.locator("#toasts .toast--bad")
    expect(toast).to_contain_text(re.compile(r"nothing changed\. Reference [0-9a-f]{32}"))
    expect(page.get_by_role("heading", name="Components", level=1)).to_be_visible()


def test_the_theme_is_remembered_by_the_server(site: str, visit: Visit) -> None:
    page = visit(site)
    expect(page.locator("html")).not_to_have_attribute("data-theme", re.compile("."))
    page.get_by_role("button", name="Switch light or dark theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert 'data-theme="dark"' in page.context.request.get(site).text()


def test_a_card_moves_by_menu_and_comes_back_when_refused(site: str, visit: Visit, axe: Axe) -> None:
    page = visit(site + "board")

    def move(title: str, to: str) -> None:
        page.get_by_role("button", name=f"Move {title}").click()
        page.locator(".menu:popover-open").get_by_role("button", name=to).click()

    move("Loyalty email series", "Submitted")
    expect(page.locator("#lane-submitted")).to_contain_text("Loyalty email series")
    expect(page.locator("#announce")).to_have_text("Loyalty email series moved to Submitted")
    expect(page.get_by_role("button", name="Move Loyalty email series")).to_be_focused()
    move("Store signage set", "Submitted")
    expect(page.locator("#toasts .toast--bad")).to_contain_text("Add the files first, then submit.")
    expect(page.locator("#lane-in_progress")).to_contain_text("Store signage set")
    assert axe(page) == []


def test_by_keyboard_alone(site: str, visit: Visit) -> None:
    page = visit(site)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.get_by_role("button", name="Account of Noor Haddad").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Settings").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="Sign out")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Account of Noor Haddad")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#top-search")).to_be_focused()


def test_menus_and_the_more_tab_on_a_phone(site: str, visit: Visit, axe: Axe) -> None:
    page = visit(site, width=390, height=844)
    page.get_by_role("navigation", name="Primary").get_by_role("button", name="More").click()
    menu = page.get_by_role("navigation", name="All pages")
    expect(menu.get_by_role("link", name="Sign-in look")).to_be_visible()
    assert axe(page) == []
    menu.get_by_role("link", name="Withdraw").click()
    expect(page.get_by_role("heading", name="Withdraw", exact=True)).to_be_visible()


def _sent(page: Any, name: str) -> None:
    page.get_by_role("button", name=name).click()


def test_everything_works_without_script(site: str, visit: Visit) -> None:
    page = visit(site, script=False)
    expect(page.get_by_role("button", name="Details for Amara Okafor")).to_be_hidden()
    page.get_by_role("link", name="Amara Okafor").click()
    expect(page.get_by_role("heading", name="Amara Okafor")).to_be_visible()
    page.get_by_role("link", name="Reject").click()
    _sent(page, "Reject payout")
    expect(page.get_by_text("Say why, the payee sees it.")).to_be_visible()
    page.get_by_label("Reason").fill("Billed twice")
    _sent(page, "Reject payout")
    expect(page.get_by_role("heading", name="Components", level=1)).to_be_visible()
    expect(page.locator("#main .alert").first).to_contain_text("Rejected")

    page.get_by_role("checkbox", name="Select Amara Okafor, $4,250.00").check()
    page.get_by_role("form", name="Selected payouts").get_by_role("button", name="Approve").click()
    expect(page.locator("#main .alert").first).to_contain_text("1 approved")
    _sent(page, "Switch light or dark theme")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_long_form_without_script_lists_its_faults_and_grows_by_lines(site: str, visit: Visit) -> None:
    page = visit(site + "form", script=False)
    page.get_by_role("button", name="Add line").click()
    expect(page.get_by_label("Line 2 description")).to_be_visible()
    page.get_by_role("button", name="Remove line 2").click()
    expect(page.get_by_label("Line 2 description")).to_have_count(0)
    page.get_by_label("Bill number").fill("LPC-1188")
    page.get_by_label("Amount", exact=True).fill("1.234")
    _sent(page, "Send bill")
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("Fix 4 things to go on")
    expect(summary).to_contain_text("USD has 2 decimals, this has 3.")
    page.get_by_label("Amount", exact=True).fill("1,234.50")
    for label, value in (("description", "Press proofs"), ("quantity", "2"), ("unit price", "617.25")):
        page.get_by_label(f"Line 1 {label}").fill(value)
    _sent(page, "Send bill")
    expect(page.get_by_role("alert")).to_contain_text("LPC-1188 was already submitted on Nov 3.")
    page.get_by_label("Bill number").fill("LPC-1189")
    _sent(page, "Send bill")
    expect(page.locator("#main .alert").first).to_contain_text("Fernhill Studio has it now.")
