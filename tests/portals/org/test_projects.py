"""The organization's side of projects: assign, edit, approve, ask for a revision, cancel."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.core.clock import today
from app.core.scope import Actor
from app.db.session import unit_of_work
from app.organizations.states import Role
from app.projects.states import ProjectStatus, RateKind
from tests.factories import payees, people, projects
from tests.factories.projects import move, project
from tests.portals.conftest import Browser
from tests.portals.org.conftest import House, statements, value_of

S = ProjectStatus
HERE = "/org/oxford/projects"


@pytest.fixture
def tomas(house: House) -> Actor:
    return projects.contractor(house.organization_id)


def filled(tomas: Actor, **more: str) -> dict[str, str]:
    return {
        "contractor": str(tomas.payee_id), "title": "Icon set", "description": "Forty icons", "rate_kind": "fixed",
        "rate": "900.00", "currency": "GBP", "due_on": f"{today() + timedelta(days=9)}", "paid": "", **more,
    }  # fmt: skip


def test_a_project_is_assigned_and_edited(house: House, tomas: Actor) -> None:
    assert "Tomas Rivera" in house.browser.get(f"{HERE}/new").text
    wrong = house.browser.post(f"{HERE}/new", filled(tomas, title="", rate="-5"))
    assert wrong.status_code == 422 and "Give the project a title." in wrong.text and "Forty icons" in wrong.text
    made = house.browser.post(f"{HERE}/new", filled(tomas))
    assert made.status_code == 303
    page = house.browser.get(made.location).text
    assert "£900.00" in page and "Forty icons" in page and "PRJ-0001" in page
    form = house.browser.get(f"{made.location}/edit").text
    version = value_of(form, "version")
    sent = filled(tomas, rate="950.00", version=version)
    assert house.browser.post(f"{made.location}/edit", sent).status_code == 303
    assert house.browser.post(f"{made.location}/edit", filled(tomas, version=version)).status_code == 409
    assert "£950.00" in house.browser.get(HERE).text


def test_approval_says_what_is_owed(house: House, tomas: Actor) -> None:
    project_id = project(house.organization_id, tomas, status=S.SUBMITTED)
    page = f"{HERE}/{project_id}"
    assert "Approve £900.00" in house.browser.get(page).text
    form = house.browser.get(f"{page}/approval").text
    assert "cannot be taken back" in form
    sent = {"version": value_of(form, "version"), "idempotency_key": value_of(form, "idempotency_key")}
    assert house.browser.post(f"{page}/approval", sent).status_code == 303
    assert house.browser.post(f"{page}/approval", sent).status_code == 303  # the same form twice is one approval
    assert "Approve £900.00" not in house.browser.get(page).text
    assert 'data-stage="payout"' in house.browser.get(HERE).text.split(f'id="card-{project_id}"')[0]


def test_a_revision_needs_a_comment(house: House, tomas: Actor) -> None:
    project_id = project(house.organization_id, tomas, status=S.SUBMITTED)
    page = f"{HERE}/{project_id}"
    assert house.browser.post(f"{page}/revision", {"reason": " "}).status_code == 422
    assert house.browser.post(f"{page}/revision", {"reason": "Match the new green"}).status_code == 303
    assert "Match the new green" in house.browser.get(page).text
    assert "Match the new green" in house.browser.get(HERE).text


def test_a_decision_on_what_has_changed_is_refused(house: House, tomas: Actor) -> None:
    project_id = project(house.organization_id, tomas, status=S.SUBMITTED)
    version = value_of(house.browser.get(f"{HERE}/{project_id}/approval").text, "version")
    move(tomas, project_id, S.IN_PROGRESS)
    answer = house.browser.post(f"{HERE}/{project_id}/approval", {"version": version})
    assert answer.status_code == 409 and "was faster" in answer.text


def test_hours_comments_and_cancelling(house: House, tomas: Actor) -> None:
    project_id = project(house.organization_id, tomas, 60_00, rate_kind=RateKind.HOURLY)
    page = f"{HERE}/{project_id}"
    assert "No hours yet" in house.browser.get(page).text
    assert house.browser.post(f"{page}/comments", {"text": "Start in May"}).status_code == 303
    assert "Start in May" in house.browser.get(page).text
    assert house.browser.post(f"{page}/cancellation", {"reason": "The client left"}).status_code == 303
    assert str(project_id) not in house.browser.get(HERE).text
    assert str(project_id) in house.browser.get(f"{HERE}?view=list&state=cancelled").text


def test_who_may_not(house: House, tomas: Actor, strangers: list[Browser]) -> None:
    project_id = project(house.organization_id, tomas, status=S.SUBMITTED)
    support = house.member(Role.SUPPORT)
    assert support.get(f"{HERE}/{project_id}").status_code == 200
    assert support.post(f"{HERE}/{project_id}/approval").status_code == 403
    assert support.post(f"{HERE}/{project_id}/comments", {"text": "Hello"}).status_code == 403
    assert support.get(f"{HERE}/new").status_code == 403
    for stranger in strangers:
        assert stranger.get(f"{HERE}/{project_id}").status_code == 404
        assert stranger.post(f"{HERE}/{project_id}/approval").status_code == 404


def test_the_board_asks_the_same_for_many(house: House, tomas: Actor) -> None:
    for title in ("One", "Two", "Three"):
        project(house.organization_id, tomas, title=title)
    with statements() as few:
        house.browser.get(HERE)
    for number in range(12):
        project(house.organization_id, tomas, title=f"More {number}")
    with statements() as many:
        page = house.browser.get(HERE).text
    assert len(many) == len(few) <= 12
    assert re.findall(r'data-rest="(\d+)"', page) == []
    with statements() as listed:
        assert "Tomas Rivera" in house.browser.get(f"{HERE}?view=list").text
    assert len(listed) <= 12


def test_what_the_contractor_is_paid_after(house: House, tomas: Actor) -> None:
    address = f"/org/oxford/payees/{tomas.payee_id}/project-billing"
    assert house.browser.post(address, {"billing": "never"}).status_code == 422
    assert house.browser.post(address, {"billing": "invoice"}).status_code == 303
    made = house.browser.post(f"{HERE}/new", filled(tomas))
    assert "after an invoice" in house.browser.get(made.location).text
    made = house.browser.post(f"{HERE}/new", filled(tomas, paid="approval"))
    assert "after approval" in house.browser.get(made.location).text
    assert house.member(Role.SUPPORT).post(address, {"billing": "approval"}).status_code == 403


def test_an_approved_project_is_paid_before_its_terms(house: House) -> None:
    payee_id = payees.vendor(house.organization_id, "Termed", kind=projects.PayeeKind.CONTRACTOR, terms_days=30)
    termed = people.payee(payee_id, "termed@contractor.test", projects.Portal.CONTRACTOR)
    page = f"{HERE}/{project(house.organization_id, termed, status=S.APPROVED)}"
    assert "Pay before it is due" in house.browser.get(page).text
    manager = house.member(Role.MANAGER)
    assert "Pay before it is due" not in manager.get(page).text
    assert manager.get(f"{page}/release").status_code == 403
    assert "£900.00 of Termed goes into the next batch" in house.browser.get(f"{page}/release").text
    empty = house.browser.post(f"{page}/release", {"reason": " "})
    assert empty.status_code == 422 and "Give a reason." in empty.text
    done = house.browser.post(f"{page}/release", {"reason": "A rush job"})
    assert done.status_code == 303
    assert "Pay before it is due" not in house.browser.get(page).text
    assert house.browser.get(f"{page}/release").status_code == 409
    assert "Can be withdrawn" in house.browser.get(HERE).text
    with unit_of_work(people.PLATFORM) as session:
        audited = session.execute(
            text("SELECT detail ->> 'reason' FROM audit_records WHERE action = :a"), {"a": "earning.released_early"}
        )
        assert audited.scalars().all() == ["A rush job"]
