"""All files of a payee and of an organization: the lists, the downloads, links for somebody without an account."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from app.core.clock import utc_now
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.files import service as file_service
from app.files.models import FilePurpose
from app.files.sniffing import inspect
from app.files.storage import storage
from app.identity.states import Portal
from app.organizations.states import Role
from tests.factories import people, projects
from tests.fakes.s3 import s3_bucket
from tests.portals.conftest import Browser
from tests.portals.payee.conftest import Vendor, World
from tests.stores import environment

PDF = b"%PDF-1.7 \x00 proof"


@pytest.fixture
def member(world: World) -> Browser:
    people.member(world.organization_id, Role.MANAGER, "manager@oxford.test")
    return world.sign_in(Portal.ORG, "manager@oxford.test")


def message(vendor: Vendor, name: str = "proof.pdf", content: bytes = PDF) -> str:
    """A file sent with a message; its id."""
    sent = {"subject": "Proofs", "body": "Here", "files": (io.BytesIO(content), name)}
    answer = vendor.browser.post("/vendor/messages/new", sent)
    assert answer.status_code == 303, answer.text
    return file_id(vendor.browser, name)


def bill(vendor: Vendor, name: str, send: str = "now") -> None:
    answer = vendor.browser.post(
        "/vendor/request-payment",
        {
            "organization": "oxford", "description": f"Work {name}", "amount": "12.50", "currency": "GBP",
            "work_type": "contract_work", "invoice_number": name, "invoice_on": "2026-11-02", "project": "",
            "send": send, "files": (io.BytesIO(PDF), f"{name}.pdf"),
        },
    )  # fmt: skip
    assert answer.status_code == 303, answer.text


def names(browser: Browser, path: str) -> list[str]:
    answer = browser.get(path)
    assert answer.status_code == 200
    return re.findall(r'/files/[0-9a-f-]{36}">([^<]+)</a>', answer.text)


def file_id(browser: Browser, name: str) -> str:
    found = re.search(rf'/files/([0-9a-f-]{{36}})">{name}</a>', browser.get("/vendor/files").text)
    assert found
    return found[1]


def test_everything_is_in_one_list_and_filters_narrow_it(vendor: Vendor, member: Browser) -> None:
    bill(vendor, "INV-1")
    message(vendor)
    assert names(vendor.browser, "/vendor/files") == ["proof.pdf", "INV-1.pdf"]
    assert names(vendor.browser, "/vendor/files?kind=bill") == ["INV-1.pdf"]
    assert names(vendor.browser, "/vendor/files?kind=message") == ["proof.pdf"]
    assert names(vendor.browser, "/vendor/files?kind=other") == []
    assert names(vendor.browser, "/vendor/files?q=PROOF") == ["proof.pdf"]
    assert names(vendor.browser, "/vendor/files?q=%25") == []  # a sign to look for, no pattern
    assert names(member, "/org/oxford/files") == ["proof.pdf", "INV-1.pdf"]
    assert names(member, f"/org/oxford/files?payee={vendor.payee_id}&kind=bill") == ["INV-1.pdf"]
    first = vendor.browser.get("/vendor/files?limit=1").text
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older and names(vendor.browser, older[1].replace("&amp;", "&")) == ["INV-1.pdf"]
    partial = vendor.browser.htmx("GET", "/vendor/files?kind=bill")
    assert "<html" not in partial.text and 'id="files"' in partial.text


def test_what_was_not_sent_is_not_seen_by_staff(vendor: Vendor, member: Browser) -> None:
    bill(vendor, "INV-2", send="draft")
    draft = file_id(vendor.browser, "INV-2.pdf")
    assert names(member, "/org/oxford/files") == []
    assert member.get(f"/org/oxford/files/{draft}").status_code == 404
    assert vendor.browser.get(f"/vendor/files/{draft}").data == PDF


def test_uploaded_tables_and_bank_details_are_nobodys_files(world: World, member: Browser) -> None:
    with unit_of_work(Scope.organization(world.organization_id)) as session:
        for purpose in (FilePurpose.METHODS, FilePurpose.BILLS):
            row = file_service.add(
                session, operator(), inspect(b"a,b", "table.csv"), f"aa/{'a' * 64}-{'b' * 32}",
                organization_id=world.organization_id, purpose=purpose, subject_id=world.organization_id,
            )  # fmt: skip
    assert names(member, "/org/oxford/files") == []
    assert member.get(f"/org/oxford/files/{row.id}").status_code == 404


def test_strangers_find_nothing(world: World, vendor: Vendor, stranger: Vendor) -> None:
    secret = message(vendor)
    assert names(stranger.browser, "/vendor/files") == []
    for path in (f"/vendor/files/{secret}", f"/vendor/files/{secret}/link"):
        assert stranger.browser.get(path).status_code == 404
    assert stranger.browser.post(f"/vendor/files/{secret}/link").status_code == 404
    people.member(world.organization_id, Role.LEARNER, "learner@oxford.test")
    learner = world.sign_in(Portal.ORG, "learner@oxford.test")
    for path in ("files", f"files/{secret}", f"files/{secret}/link"):
        assert learner.get(f"/org/oxford/{path}").status_code == 403


def test_a_link_is_for_a_quarter_of_an_hour(
    vendor: Vendor, client: Browser, superuser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = message(vendor)
    assert "<input" in vendor.browser.get(f"/vendor/files/{secret}/link").text
    made = vendor.browser.post(f"/vendor/files/{secret}/link")
    found = re.search(r'value="https?://[^/"]+(/files/[^"]+)"', made.text)
    assert found
    answer = client.get(found[1])  # signed in nowhere
    assert answer.status_code == 200 and answer.data == PDF
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["Referrer-Policy"] == "no-referrer"
    noted = superuser.execute(
        "SELECT action FROM audit_records WHERE action LIKE 'file.%%link%%' ORDER BY id", []
    ).fetchall()
    assert [row[0] for row in noted] == ["file.link_made", "file.opened_by_link"]
    assert client.get(found[1][:-2] + "xx").status_code == 404
    assert client.get("/files/anything").status_code == 404
    later = (utc_now() + timedelta(minutes=16)).timestamp()
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
    gone = client.get(found[1])
    assert gone.status_code == 410 and PDF not in gone.data


def test_a_link_to_what_is_gone_finds_nothing(vendor: Vendor, client: Browser, superuser: Any) -> None:
    secret = message(vendor)
    made = vendor.browser.post(f"/vendor/files/{secret}/link")
    found = re.search(r'value="https?://[^/"]+(/files/[^"]+)"', made.text)
    assert found
    superuser.execute("DELETE FROM stored_files WHERE id = %s", [secret])
    assert client.get(found[1]).status_code == 404


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<!doctype html><script>alert(1)</script>"),
        ("picture.svg", b"<svg onload='alert(1)'/>"),
        ("note.txt", b"<script>alert(1)</script>"),
        ("proof.pdf", b"MZ\x90\x00"),
        ("big.txt", b"x" * 10_000_001),
    ],
)
def test_what_could_harm_is_never_kept(vendor: Vendor, name: str, content: bytes) -> None:
    sent = {"subject": "Proofs", "body": "Here", "files": (io.BytesIO(content), name)}
    answer = vendor.browser.post("/vendor/messages/new", sent)
    assert answer.status_code in (413, 422)
    assert names(vendor.browser, "/vendor/files") == []


def test_markup_inside_a_table_leaves_as_a_download(vendor: Vendor) -> None:
    """Text may hold anything after its beginning: it is never shown as a page."""
    kept = message(vendor, "list.csv", b"name,note\nAda,<b>bold</b>\n")
    answer = vendor.browser.get(f"/vendor/files/{kept}")
    assert answer.mimetype == "text/csv" and answer.headers["Content-Disposition"] == "attachment; filename=list.csv"


def test_papers_of_payouts_and_statements_are_found_here_too(vendor: Vendor) -> None:
    page = vendor.browser.get("/vendor/files?kind=remittance")
    assert page.status_code == 200 and "No payout yet" in page.text
    assert "/vendor/payments/statements" in page.text


@pytest.fixture
def in_bucket(redis_url: str) -> Iterator[None]:
    with s3_bucket() as url, environment(FILES_URL=url):
        storage.cache_clear()
        yield
    storage.cache_clear()


def test_the_same_pages_with_files_in_s3(in_bucket: None, vendor: Vendor, member: Browser, client: Browser) -> None:
    kept = message(vendor, content=PDF * 1_000)
    for browser, path in ((vendor.browser, f"/vendor/files/{kept}"), (member, f"/org/oxford/files/{kept}")):
        answer = browser.get(path)
        assert answer.status_code == 200 and answer.data == PDF * 1_000
    made = vendor.browser.post(f"/vendor/files/{kept}/link")
    found = re.search(r'value="https?://[^/"]+(/files/[^"]+)"', made.text)
    assert found and client.get(found[1]).data == PDF * 1_000


def test_files_of_projects_say_what_they_came_with(world: World, member: Browser) -> None:
    tomas = projects.contractor(world.organization_id)
    made = projects.project(world.organization_id, tomas)
    contractor = world.sign_in(Portal.CONTRACTOR, "tomas@contractor.test")
    with unit_of_work(Scope.organization(world.organization_id)) as session:
        file_service.add(
            session, operator(), inspect(PDF, "brief.pdf"), f"aa/{'a' * 64}-{'b' * 32}",
            organization_id=world.organization_id, payee_id=tomas.payee_id, purpose=FilePurpose.ATTACHMENT,
            subject_id=made,
        )  # fmt: skip
    for browser, path in ((contractor, "/contractor/files"), (member, "/org/oxford/files")):
        assert names(browser, f"{path}?kind=project") == ["brief.pdf"]
        listed = browser.get(path).text
        assert "Project: Loyalty email series" in listed and f"/projects/{made}" in listed
        assert names(browser, f"{path}?kind=contract") == []
