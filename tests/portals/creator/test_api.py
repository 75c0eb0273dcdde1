"""Deliverables as JSON: listed, started, submitted, refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from app.core.scope import Actor
from app.deliverables.states import DeliverableStatus
from app.identity.states import Portal
from tests.factories import deliverables, organizations
from tests.factories.deliverables import deliverable
from tests.portals.conftest import Browser

S = DeliverableStatus
HERE = "/api/creator/projects"


@pytest.fixture
def oxford(app: Any) -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def amara(oxford: UUID) -> Actor:
    return deliverables.creator(oxford)


@pytest.fixture
def browser(amara: Actor, sign_in: Callable[[Portal, str], Browser]) -> Browser:
    return sign_in(Portal.CREATOR, "amara@creator.test")


def patch(browser: Browser, deliverable_id: UUID, body: Any) -> TestResponse:
    return browser.patch(f"{HERE}/{deliverable_id}", json=body, headers={"X-CSRFToken": browser.csrf_token()})


def test_listed_in_pages(oxford: UUID, amara: Actor, browser: Browser) -> None:
    ids = [str(deliverable(oxford, amara, status, 450_00)) for status in (S.ASSIGNED, S.IN_PROGRESS, S.SUBMITTED)]
    first = browser.get(f"{HERE}?limit=2").json
    assert first is not None and [one["id"] for one in first["data"]] == ids[:0:-1]
    rest = browser.get(f"{HERE}?cursor={first['nextCursor']}").json
    assert rest is not None and [one["id"] for one in rest["data"]] == ids[:1] and rest["nextCursor"] is None
    only = browser.get(f"{HERE}?status=submitted").json
    assert only is not None and [one["id"] for one in only["data"]] == ids[2:]
    one = only["data"][0]
    assert one["fee"] == {"amountMinor": 450_00, "currency": "GBP"}
    assert (one["status"], one["kind"], one["organization"], one["submissions"]) == ("submitted", "reel", "Oxford", 1)
    assert browser.get(f"{HERE}?limit=0").status_code == 422


def test_started_and_submitted(oxford: UUID, amara: Actor, browser: Browser) -> None:
    made = deliverable(oxford, amara)
    assert patch(browser, made, {"status": "in_progress", "version": 1}).json["status"] == "in_progress"  # type: ignore[index]
    sent = {"status": "SUBMITTED", "links": ["https://video.example/1"], "note": "First cut"}
    answer = patch(browser, made, sent)
    assert answer.status_code == 200 and answer.json is not None
    assert (answer.json["status"], answer.json["submissions"]) == ("submitted", 1)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (None, 422), ([], 422), ({"status": "nonsense"}, 422), ({"status": "in_progress", "version": "1"}, 422),
        ({"status": "submitted"}, 422), ({"status": "submitted", "links": "https://a.example"}, 422),
        ({"status": "submitted", "links": [1]}, 422), ({"status": "submitted", "links": ["javascript:x"]}, 422),
        ({"status": "submitted", "links": ["https://a.example"], "note": 1}, 422),
        ({"status": "approved"}, 409), ({"status": "cancelled"}, 409), ({"status": "in_progress", "version": 9}, 409),
    ],
)  # fmt: skip
def test_refusals(oxford: UUID, amara: Actor, browser: Browser, body: Any, status: int) -> None:
    made = deliverable(oxford, amara)
    assert patch(browser, made, body).status_code == status
    assert browser.get(HERE).json["data"][0]["version"] == 1  # type: ignore[index]


def test_strangers(oxford: UUID, amara: Actor, sign_in: Callable[[Portal, str], Browser]) -> None:
    made = deliverable(oxford, amara)
    deliverables.creator(oxford, "Other", "other@creator.test")
    other = sign_in(Portal.CREATOR, "other@creator.test")
    assert other.get(HERE).json == {"data": [], "nextCursor": None}
    assert patch(other, made, {"status": "in_progress"}).status_code == 404
