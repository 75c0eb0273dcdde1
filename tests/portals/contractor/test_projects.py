"""The contractor's board without a mouse: moves by plain forms and by htmx, hours, files, comments, invoice."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from app.core.scope import Actor, operator
from app.identity.states import Portal
from app.projects.states import ProjectStatus, RateKind
from tests.factories import organizations, projects
from tests.factories.projects import move, project
from tests.portals.conftest import Browser
from tests.portals.org.conftest import statements, value_of

S = ProjectStatus
BOARD = "/contractor/projects"


@pytest.fixture
def oxford(app: Any) -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def tomas(oxford: UUID) -> Actor:
    return projects.contractor(oxford)


@pytest.fixture
def browser(tomas: Actor, sign_in: Callable[[Portal, str], Browser]) -> Browser:
    return sign_in(Portal.CONTRACTOR, "tomas@contractor.test")


def lane_of(html: str, project_id: UUID) -> str:
    return re.findall(r'data-stage="(\w+)"', html.split(f'id="card-{project_id}"')[0])[-1]


def test_cards_move_by_plain_forms(oxford: UUID, tomas: Actor, browser: Browser) -> None:
    project_id = project(oxford, tomas, status=S.IN_PROGRESS)
    html = browser.get(BOARD).text
    assert lane_of(html, project_id) == "in_progress"
    version = value_of(html.split(f'id="m-{project_id}"')[1], "version")
    answer = browser.post(f"{BOARD}/{project_id}/move", {"to": "submitted", "version": version}, follow_redirects=True)
    assert "Moved to Submitted" in answer.text and lane_of(answer.text, project_id) == "submitted"


def test_a_move_by_script_answers_with_the_card(oxford: UUID, tomas: Actor, browser: Browser) -> None:
    project_id = project(oxford, tomas, status=S.IN_PROGRESS)
    answer = browser.htmx("POST", f"{BOARD}/{project_id}/move", {"to": "submitted", "version": "2"})
    assert answer.status_code == 200 and f'hx-target="#card-{project_id}"' in answer.text
    assert 'data-version="3"' in answer.text and 'data-to="in_progress"' in answer.text


def test_a_refused_move_says_why(oxford: UUID, tomas: Actor, browser: Browser) -> None:
    project_id = project(oxford, tomas, status=S.SUBMITTED)
    answer = browser.htmx("POST", f"{BOARD}/{project_id}/move", {"to": "approved"})
    assert answer.status_code == 409 and "Oxford approves projects" in answer.text
    assert browser.post(f"{BOARD}/{project_id}/move", {"to": "nowhere"}).status_code == 422


def test_who_was_slower_gets_the_board_as_it_is(oxford: UUID, tomas: Actor, browser: Browser) -> None:
    project_id = project(oxford, tomas, status=S.SUBMITTED)
    version = value_of(browser.get(BOARD).text, "version")
    move(operator(), project_id, S.APPROVED, organization_id=oxford)
    answer = browser.htmx("POST", f"{BOARD}/{project_id}/move", {"to": "in_progress", "version": version})
    assert answer.status_code == 409 and "was faster" in answer.text
    assert lane_of(answer.text, project_id) == "payout"


def test_strangers_are_refused(oxford: UUID, tomas: Actor, sign_in: Callable[[Portal, str], Browser]) -> None:
    project_id = project(oxford, tomas, status=S.IN_PROGRESS)
    projects.contractor(oxford, "Other Works", "other@contractor.test")
    other = sign_in(Portal.CONTRACTOR, "other@contractor.test")
    assert other.get(f"{BOARD}/{project_id}").status_code == 404
    assert other.post(f"{BOARD}/{project_id}/move", {"to": "submitted"}).status_code == 404
    assert str(project_id) not in other.get(BOARD).text


def test_five_hundred_cards_ask_no_more_than_one(oxford: UUID, tomas: Actor, browser: Browser, superuser: Any) -> None:
    project_id = project(oxford, tomas, status=S.IN_PROGRESS)
    with statements() as one:
        browser.get(BOARD)
    superuser.execute(
        """INSERT INTO projects (organization_id, payee_id, reference, title, description, status, rate_kind,
            rate_minor, currency, due_on, agreed_minor, moved_at, moved_by)
        SELECT organization_id, payee_id, 'X-' || n, 'Project number ' || n, 'Text', s, 'fixed', 100 * n, 'GBP',
            current_date + n, CASE s WHEN 'approved' THEN 100 * n END, now() - n * interval '1 minute', 'Tests'
        FROM projects, generate_series(1, 500) n, LATERAL (SELECT (ARRAY['draft', 'in_progress', 'submitted',
            'revision_requested', 'approved'])[mod(n, 5) + 1] AS s) x WHERE id = %s""",
        [project_id],
    )
    with statements() as many:
        answer = browser.get(BOARD)
    assert len(many) == len(one) <= 12
    assert len(re.findall(r"<[a-z]", answer.text)) < 1_500
    assert len(gzip.compress(answer.data)) < 15_000
    assert '<span class="count">101</span>' in answer.text
    link = re.search(r'hx-get="(/contractor/projects/columns/upcoming[^"]+)"', answer.text)
    assert link
    rest = browser.htmx("GET", link[1].replace("&amp;", "&"))
    assert rest.text.count('class="kcard"') == 25 and len(gzip.compress(rest.data)) < 8_000
    shown = answer.text.split('data-stage="upcoming"')[1].split("</section>")[0].count('class="kcard"')
    assert f'data-rest="{100 - shown - 25}"' in rest.text


def test_hours_are_logged_and_wrong_ones_named(oxford: UUID, tomas: Actor, browser: Browser) -> None:
    project_id = project(oxford, tomas, 60_00, S.IN_PROGRESS, rate_kind=RateKind.HOURLY)
    here = f"{BOARD}/{project_id}"
    wrong = browser.post(f"{here}/hours", {"worked_on": "2026-01-01", "hours": "lots", "note": "Wireframes"})
    assert wrong.status_code == 422 and "Write hours like 1:30" in wrong.text and 'value="Wireframes"' in wrong.text
    page = browser.get(here).text
    day = re.search(r'name="worked_on"[^>]*value="([^"]+)"', page)
    assert day
    assert all(page.count(f' id="{name}"') == 1 for name in re.findall(r'<label[^>]* for="([^"]+)"', page))
    assert page.count(' id="files"') == 1 and 'for="hours"' in page
    sent = {"worked_on": day[1], "hours": "1:30", "note": "Wireframes"}
    assert browser.post(f"{here}/hours", sent).status_code == 303
    page = browser.get(here).text
    assert "£90.00" in page and "1:30" in page
    entry = re.search(r"/hours/([0-9a-f-]{36})/removal", page)
    assert entry and browser.post(f"{here}/hours/{entry[1]}/removal").status_code == 303
    assert "No hours yet" in browser.get(here).text


def test_comments_files_and_saying_no(oxford: UUID, tomas: Actor, browser: Browser) -> None:
    here = f"{BOARD}/{project(oxford, tomas, description='Three mails')}"
    assert "Write something first." in browser.post(f"{here}/comments", {"text": " "}).text
    assert browser.post(f"{here}/comments", {"text": "Which green?"}).status_code == 303
    sent = {"files": (io.BytesIO(b"%PDF-1.7 draft"), "draft.pdf")}
    assert browser.post(f"{here}/files", sent, content_type="multipart/form-data").status_code == 303
    bad = {"files": (io.BytesIO(b"MZ program"), "tool.exe")}
    assert browser.post(f"{here}/files", bad, content_type="multipart/form-data").status_code == 422
    page = browser.get(here).text
    assert "Which green?" in page and "draft.pdf" in page and "Three mails" in page
    assert browser.post(f"{here}/refusal", {"reason": ""}).status_code == 422
    assert browser.post(f"{here}/refusal", {"reason": "Away in May"}).status_code == 303
    assert "Away in May" in browser.get(here).text
    assert "Loyalty" not in browser.get(BOARD).text
    assert "Loyalty" in browser.get(f"{BOARD}?view=list&state=cancelled").text


def test_steps_on_the_page_and_the_invoice(oxford: UUID, tomas: Actor, browser: Browser) -> None:
    project_id = project(oxford, tomas, by_invoice=True)
    here = f"{BOARD}/{project_id}"
    for to in ("draft", "in_progress", "submitted"):
        assert browser.post(f"{here}/step", {"to": to}).status_code == 303
    assert browser.get(f"{here}/invoice").status_code == 409
    move(operator(), project_id, S.APPROVED, organization_id=oxford)
    assert "Send invoice" in browser.get(here).text and "Waits for the invoice" in browser.get(BOARD).text
    assert browser.post(f"{here}/invoice", {"invoice_on": ""}).status_code == 422
    done = browser.post(f"{here}/invoice", {"invoice_on": "2026-11-20", "invoice_number": "TR-1"})
    assert done.status_code == 303 and "/contractor/requests/" in done.location
    assert "£900.00" in browser.get(done.location).text
    assert browser.get(f"{here}/invoice").status_code == 409
    assert "Invoice: Needs approval" in browser.get(BOARD).text


def test_the_list_is_searched(oxford: UUID, tomas: Actor, browser: Browser) -> None:
    project(oxford, tomas, title="Icon set v2")
    project(oxford, tomas, title="Store signage", status=S.SUBMITTED)
    assert "Store signage" not in browser.get(f"{BOARD}?view=list&q=icon").text
    found = browser.htmx("GET", f"{BOARD}?view=list&stage=submitted").text
    assert "Store signage" in found and "Icon set" not in found
