"""The platform's list of consultants: found, suspended, taken up again, given the premium plan."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from app.consultations.states import Practice
from app.core.clock import today
from app.identity.states import Portal
from app.organizations.states import Role
from tests.factories import consultations, organizations, people
from tests.portals.admin.test_statements import statements
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]


@pytest.fixture
def admin(app: Flask, sign_in: SignIn) -> Browser:
    people.admin("admin@quittance.test")
    return sign_in(Portal.ADMIN, "admin@quittance.test")


@pytest.fixture
def doctor(app: Flask) -> UUID:
    return consultations.consultant(
        organizations.organization("clinic"), Practice.DOCTOR, "Wanjiru Kamau", currency="KES"
    )


def test_found_by_name_practice_state_and_organization(admin: Browser, doctor: UUID) -> None:
    consultations.consultant()
    page = admin.get("/admin/consultants").text
    assert "Priya Raghavan" in page and "Wanjiru Kamau" in page and "Clinic" in page
    for query in ("q=wanjiru", "practice=doctor", "organization=clinic"):
        found = admin.get(f"/admin/consultants?{query}").text
        assert "Wanjiru Kamau" in found and "Priya Raghavan" not in found, query
    assert "Nobody matches" in admin.get("/admin/consultants?state=unlisted").text
    shown = admin.get(f"/admin/consultants/{doctor}").text
    assert "KES" in shown and "Clinic" in shown and "wanjiru-kamau" in shown


def test_sorted_with_the_same_number_of_statements(admin: Browser, doctor: UUID) -> None:
    consultations.consultant()
    with statements() as two:
        page = admin.get("/admin/consultants").text
    assert page.index("Priya Raghavan") < page.index("Wanjiru Kamau") and 'aria-sort="ascending"' in page
    for n in range(4):
        consultations.consultant(name=f"Zoe {n}", email=f"zoe{n}@consultant.test")
    with statements() as six:
        admin.get("/admin/consultants")
    assert len(six) == len(two)
    page = admin.get("/admin/consultants?sort=sessions&limit=2").text
    assert 'aria-sort="descending"' in page and "sort=sessions&amp;cursor=" in page.replace("limit=2&amp;", "")


def test_suspended_and_taken_up_again(admin: Browser, client: Browser, doctor: UUID, superuser: Any) -> None:
    url = f"/admin/consultants/{doctor}"
    assert "Suspend Wanjiru Kamau?" in admin.get(f"{url}/suspension").text
    empty = admin.post(f"{url}/suspension", {"reason": " "})
    assert empty.status_code == 422 and 'id="reason-e"' in empty.text
    assert admin.post(f"{url}/suspension", {"reason": "Licence has expired."}).location == url
    assert "Licence has expired." in admin.get(url).text
    assert "Wanjiru Kamau" in admin.get("/admin/consultants?state=unlisted").text
    assert client.get("/advisors/wanjiru-kamau").status_code == 404
    assert admin.post(f"{url}/suspension", {"reason": "Again."}).status_code == 409
    template = "SELECT template FROM mails ORDER BY id DESC LIMIT 1"
    assert superuser.execute(template).fetchone() == ("engagement_changed",)
    assert admin.post(f"{url}/resumption").location == url
    assert client.get("/advisors/wanjiru-kamau").status_code == 200


def test_the_premium_plan(admin: Browser, doctor: UUID) -> None:
    url = f"/admin/consultants/{doctor}"
    assert "Nothing" in admin.get(url).text
    past = admin.post(f"{url}/premium", {"until": (today() - timedelta(days=1)).isoformat()})
    assert past.status_code == 422 and 'id="until-e"' in past.text
    assert admin.post(f"{url}/premium", {"until": "soon"}).status_code == 422
    assert admin.post(f"{url}/premium", {"until": today().isoformat()}).location == url
    assert "Advanced analytics, Instant payout, Custom offerings" in admin.get(url).text
    assert admin.post(f"{url}/premium", {"until": ""}).location == url
    assert "Advanced analytics" not in admin.get(url).text


def test_nobody_but_the_platform(client: Browser, doctor: UUID, sign_in: SignIn) -> None:
    people.member(organizations.organization("oxford"), Role.OWNER, "owner@oxford.test")
    for browser in (sign_in(Portal.ORG, "owner@oxford.test"), sign_in(Portal.CONSULTANT, "wanjiru@consultant.test")):
        for path in ("", f"/{doctor}", f"/{doctor}/suspension", f"/{doctor}/premium", f"/{doctor}/picture"):
            assert browser.get(f"/admin/consultants{path}").status_code == 404
        assert browser.post(f"/admin/consultants/{doctor}/suspension", {"reason": "No."}).status_code == 404
    assert client.get("/admin/consultants").location.startswith("/admin/signin")
