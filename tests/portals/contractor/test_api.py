"""Projects as JSON: listed, moved, refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from app.core.scope import Actor
from app.identity.states import Portal
from app.projects.states import ProjectStatus
from tests.factories import organizations, projects
from tests.factories.projects import project
from tests.portals.conftest import Browser

S = ProjectStatus
HERE = "/api/contractor/projects"


@pytest.fixture
def oxford(app: Any) -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def tomas(oxford: UUID) -> Actor:
    return projects.contractor(oxford)


@pytest.fixture
def browser(tomas: Actor, sign_in: Callable[[Portal, str], Browser]) -> Browser:
    return sign_in(Portal.CONTRACTOR, "tomas@contractor.test")


def patch(browser: Browser, project_id: UUID, body: Any) -> TestResponse:
    return browser.patch(f"{HERE}/{project_id}", json=body, headers={"X-CSRFToken": browser.csrf_token()})


def test_projects_are_listed_in_pages(oxford: UUID, tomas: Actor, browser: Browser) -> None:
    ids = [str(project(oxford, tomas, title=title)) for title in ("One", "Two", "Three")]
    first = browser.get(f"{HERE}?limit=2").get_json()
    rest = browser.get(f"{HERE}?limit=2&cursor={first['nextCursor']}").get_json()
    assert [row["id"] for row in first["data"] + rest["data"]] == ids[::-1] and rest["nextCursor"] is None
    assert first["data"][0]["amount"] == {"amountMinor": 900_00, "currency": "GBP"}
    assert (first["data"][0]["status"], first["data"][0]["stage"]) == ("pending_contractor", "upcoming")
    assert browser.get(f"{HERE}?stage=submitted").get_json()["data"] == []
    assert browser.get(f"{HERE}?limit=201").status_code == 422


def test_a_status_moves_as_the_board_allows(oxford: UUID, tomas: Actor, browser: Browser) -> None:
    project_id = project(oxford, tomas, status=S.IN_PROGRESS)
    moved = patch(browser, project_id, {"status": "SUBMITTED", "version": 2})
    assert moved.status_code == 200 and moved.get_json()["status"] == "submitted" and moved.get_json()["version"] == 3
    late = patch(browser, project_id, {"status": "in_progress", "version": 2})
    assert late.status_code == 409 and late.content_type == "application/problem+json"
    refused = patch(browser, project_id, {"status": "approved"})
    assert refused.status_code == 409 and "Oxford approves projects" in refused.get_json()["detail"]


@pytest.mark.parametrize("body", [{}, {"status": "done"}, [], {"status": "submitted", "version": "2"}])
def test_what_cannot_be_read_is_named(oxford: UUID, tomas: Actor, browser: Browser, body: Any) -> None:
    answer = patch(browser, project(oxford, tomas, status=S.IN_PROGRESS), body)
    assert answer.status_code == 422 and set(answer.get_json()["errors"]) <= {"status", "version"}


def test_who_is_refused(
    oxford: UUID, tomas: Actor, browser: Browser, client: Browser, sign_in: Callable[[Portal, str], Browser]
) -> None:
    project_id = project(oxford, tomas, status=S.IN_PROGRESS)
    assert client.get(HERE).status_code == 401
    assert browser.patch(f"{HERE}/{project_id}", json={"status": "submitted"}).status_code == 400  # no CSRF header
    projects.contractor(oxford, "Other Works", "other@contractor.test")
    other = sign_in(Portal.CONTRACTOR, "other@contractor.test")
    assert patch(other, project_id, {"status": "submitted"}).status_code == 404
