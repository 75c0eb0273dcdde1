"""Messages in the portals: both sides write, read, search and attach; strangers find nothing."""

from __future__ import annotations

import io
import re
from uuid import UUID

import pytest

from app.identity.states import Portal
from app.organizations.states import Role
from tests.factories import payables, payees, people, projects
from tests.portals.conftest import Browser
from tests.portals.payee.conftest import Vendor, World

PDF = b"%PDF-1.7 proof"


@pytest.fixture
def member(world: World) -> Browser:
    people.member(world.organization_id, Role.MANAGER, "manager@oxford.test")
    return world.sign_in(Portal.ORG, "manager@oxford.test")


def start(
    vendor: Vendor, subject: str = "Window graphics", body: str = "Monday\n or <b>Tuesday</b>?", **more: str
) -> str:
    answer = vendor.browser.post("/vendor/messages/new", {"subject": subject, "body": body, **more})
    assert answer.status_code == 303, answer.text
    found = re.fullmatch(r"/vendor/messages/([0-9a-f-]{36})", answer.location)
    assert found
    return found[1]


def badge(browser: Browser, path: str) -> str:
    """The number beside the link in the sidebar."""
    found = re.search(r'<a[^>]*href="[^"]*/messages"[^>]*>.*?</a>', browser.get(path).text, re.S)
    assert found
    return re.sub(r"<svg.*?</svg>|<[^>]+>|[^\d]", "", found[0], flags=re.S)


def test_a_question_and_its_answer(vendor: Vendor, member: Browser) -> None:
    thread = start(vendor)
    assert (badge(vendor.browser, "/vendor/payments"), badge(member, "/org/oxford/")) == ("", "1")
    listed = member.get("/org/oxford/messages")
    assert "Window graphics" in listed.text and "1 new" in listed.text
    page = member.get(f"/org/oxford/messages/{thread}")
    assert "&lt;b&gt;Tuesday&lt;/b&gt;" in page.text and "Lumen" in page.text
    assert badge(member, "/org/oxford/") == ""
    answer = member.post(f"/org/oxford/messages/{thread}", {"body": "Monday, please"})
    assert answer.status_code == 303 and answer.location == f"/org/oxford/messages/{thread}#reply"
    assert badge(vendor.browser, "/vendor/payments") == "1"
    read = vendor.browser.get(f"/vendor/messages/{thread}").text
    assert read.index("Tuesday") < read.index("Monday, please")
    assert badge(vendor.browser, "/vendor/payments") == ""


def test_with_script_the_new_lines_and_an_empty_form_come_back(vendor: Vendor, member: Browser) -> None:
    thread = start(vendor)
    member.post(f"/org/oxford/messages/{thread}", {"body": "Second"})
    answer = vendor.browser.htmx("POST", f"/vendor/messages/{thread}", {"body": "Third", "seen": "1"})
    assert answer.status_code == 200
    assert 'hx-target="#news"' in answer.text and 'hx-target="#reply"' in answer.text
    assert answer.text.index("Second") < answer.text.index("Third") and "Tuesday" not in answer.text
    assert re.search(r'name="seen" value="3"', answer.text)


def test_an_open_page_asks_for_news(vendor: Vendor, member: Browser) -> None:
    thread = start(vendor)
    url = f"/vendor/messages/{thread}/news"
    assert vendor.browser.htmx("GET", f"{url}?after=1").status_code == 204
    member.post(f"/org/oxford/messages/{thread}", {"body": "Second"})
    answer = vendor.browser.htmx("GET", f"{url}?after=1")
    assert answer.status_code == 200 and "Second" in answer.text and "Tuesday" not in answer.text
    assert f"{url}?after=2" in answer.text and answer.text.lstrip().startswith("<li")
    assert badge(vendor.browser, "/vendor/payments") == ""  # it was in front of the reader
    assert vendor.browser.get(f"{url}?after=1").text.count("<h1") == 1  # a page, without script


def test_wrong_input_comes_back_with_what_was_written(vendor: Vendor) -> None:
    answer = vendor.browser.post("/vendor/messages/new", {"subject": "", "body": "Kept words"})
    assert answer.status_code == 422 and "Say what it is about." in answer.text and "Kept words" in answer.text
    thread = start(vendor)
    answer = vendor.browser.post(f"/vendor/messages/{thread}", {"body": "  "})
    assert answer.status_code == 422 and "Write a message." in answer.text
    long = "x" * 10_001
    assert vendor.browser.post(f"/vendor/messages/{thread}", {"body": long}).status_code == 422
    partial = vendor.browser.htmx("POST", f"/vendor/messages/{thread}", {"body": ""})
    assert partial.status_code == 422 and "<html" not in partial.text and 'id="reply"' in partial.text


def test_files_travel_with_a_message_and_are_downloads_only(vendor: Vendor, member: Browser, stranger: Vendor) -> None:
    sent = {"subject": "Proof", "body": "Here", "files": (io.BytesIO(PDF), "proof.pdf")}
    answer = vendor.browser.post("/vendor/messages/new", sent)
    assert answer.status_code == 303, answer.text
    thread = answer.location.rsplit("/", 1)[1]
    page = member.get(f"/org/oxford/messages/{thread}").text
    found = re.search(r"/org/oxford/files/([0-9a-f-]{36})", page)
    assert found and "proof.pdf" in page
    for browser, url in ((member, found[0]), (vendor.browser, f"/vendor/files/{found[1]}")):
        file = browser.get(url)
        assert file.status_code == 200 and file.data == PDF
        assert file.headers["Content-Disposition"] == "attachment; filename=proof.pdf"
        assert file.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert stranger.browser.get(f"/vendor/files/{found[1]}").status_code == 404


def test_a_file_that_is_something_else_is_refused_and_the_words_stay(vendor: Vendor) -> None:
    evil = {"subject": "Proof", "body": "Kept words", "files": (io.BytesIO(b"<html><script>"), "proof.pdf")}
    answer = vendor.browser.post("/vendor/messages/new", evil)
    assert answer.status_code == 422 and "its content is something else" in answer.text and "Kept words" in answer.text


def test_about_a_bill_there_is_one_thread(world: World, vendor: Vendor, member: Browser) -> None:
    bill = payables.approved(world.organization_id, vendor.actor, 400_00, description="Leaflets")
    assert f"/vendor/messages/new?request={bill}" in vendor.browser.get(f"/vendor/requests/{bill}").text
    new = vendor.browser.get(f"/vendor/messages/new?request={bill}")
    assert new.status_code == 200 and 'value="Bill ' in new.text
    sent = vendor.browser.post(f"/vendor/messages/new?request={bill}", {"subject": "Bill", "body": "When?"})
    thread = sent.location.rsplit("/", 1)[1]
    for path in (f"/vendor/messages/new?request={bill}",):
        assert vendor.browser.get(path).location == f"/vendor/messages/{thread}#reply"
    there = member.get(f"/org/oxford/messages/new?request={bill}")
    assert there.location == f"/org/oxford/messages/{thread}#reply"
    assert f"/org/oxford/bills/{bill}" in member.get(f"/org/oxford/messages/{thread}").text
    assert f"/vendor/requests/{bill}" in vendor.browser.get(f"/vendor/messages/{thread}").text


def test_search_and_unread_are_filters_in_the_address(vendor: Vendor, member: Browser) -> None:
    start(vendor)
    start(vendor, "Courier", "Booked for Tuesday")
    found = member.get("/org/oxford/messages?q=courier").text
    assert "Courier" in found and "Window graphics" not in found
    assert "No messages match" in member.get("/org/oxford/messages?q=elephant").text
    assert "No messages match" in vendor.browser.get("/vendor/messages?view=unread").text
    partial = member.htmx("GET", "/org/oxford/messages?view=unread")
    assert partial.text.count("1 new") == 2 and "<html" not in partial.text
    page = member.get("/org/oxford/messages?limit=1").text
    older = re.search(r'rel="next" href="([^"]+)"', page)
    assert older and "Window graphics" in member.get(older[1].replace("&amp;", "&")).text


def test_the_organization_writes_first(world: World, vendor: Vendor, member: Browser) -> None:
    choose = member.get("/org/oxford/messages/new?q=lumen").text
    assert f"/org/oxford/messages/new?payee={vendor.payee_id}" in choose
    path = f"/org/oxford/messages/new?payee={vendor.payee_id}"
    assert member.get(path).status_code == 200
    sent = member.post(path, {"subject": "Your bank", "body": "Did it change?"})
    assert sent.status_code == 303
    assert "Did it change?" in vendor.browser.get(f"/vendor/messages/{sent.location.rsplit('/', 1)[1]}").text
    silent = payees.vendor(world.organization_id, "Bright Cleaning")
    assert "cannot sign in yet" in member.get(f"/org/oxford/messages/new?payee={silent}").text


def test_long_threads_show_the_newest_and_the_way_back(vendor: Vendor) -> None:
    thread = start(vendor)
    for n in range(2, 5):
        vendor.browser.post(f"/vendor/messages/{thread}", {"body": f"Line {n}"})
    page = vendor.browser.get(f"/vendor/messages/{thread}?limit=2").text
    assert page.index("Line 3") < page.index("Line 4") and "Line 2" not in page
    earlier = re.search(r'href="([^"]+cursor[^"]+)"', page)
    assert earlier
    before = vendor.browser.get(earlier[1].replace("&amp;", "&")).text
    assert "Line 2" in before and "Tuesday" in before and "data-poll" not in before


def test_strangers_find_nothing(world: World, vendor: Vendor, stranger: Vendor, member: Browser) -> None:
    thread = start(vendor)
    for path in (f"/vendor/messages/{thread}", f"/vendor/messages/{thread}/news"):
        assert stranger.browser.get(path).status_code == 404
    assert stranger.browser.post(f"/vendor/messages/{thread}", {"body": "x"}).status_code == 404
    assert "Window graphics" not in stranger.browser.get("/vendor/messages?q=window").text
    people.member(world.organization_id, Role.LEARNER, "learner@oxford.test")
    learner = world.sign_in(Portal.ORG, "learner@oxford.test")
    for path in ("messages", f"messages/{thread}", "messages/new", f"files/{UUID(int=7)}"):
        assert learner.get(f"/org/oxford/{path}").status_code == 403, path


def test_about_a_project_both_sides_meet_in_one_thread(world: World, vendor: Vendor, member: Browser) -> None:
    tomas = projects.contractor(world.organization_id)
    made = projects.project(world.organization_id, tomas)
    contractor = world.sign_in(Portal.CONTRACTOR, "tomas@contractor.test")
    path = f"messages/new?project={made}"
    assert 'value="Loyalty email series"' in member.get(f"/org/oxford/{path}").text
    sent = member.post(f"/org/oxford/{path}", {"subject": "The brief", "body": "See the file"})
    thread = sent.location.rsplit("/", 1)[1]
    assert contractor.get(f"/contractor/{path}").location == f"/contractor/messages/{thread}#reply"
    read = contractor.get(f"/contractor/messages/{thread}").text
    assert "See the file" in read and f'href="/contractor/projects/{made}"' in read
    assert path in contractor.get(f"/contractor/projects/{made}").text
    assert path in member.get(f"/org/oxford/projects/{made}").text
    assert vendor.browser.get(f"/vendor/{path}").status_code == 404
