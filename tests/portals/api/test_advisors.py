"""/api/v1/advisors, as programs outside know it: snake_case, and the same rules as the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.consultations import profiles
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations.states import Role
from tests.factories import consultations, people
from tests.factories.people import PLATFORM
from tests.portals.admin.test_consultant_applications import applied
from tests.portals.auth.test_signup import accepting, signup_link
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
V1 = "/api/v1/advisors"
APPLICATION = {
    "name": "Inês Duarte", "email": "ines@duarte.test", "headline": "Pricing for small shops", "practice": "advisor",
    "specialties": ["Pricing"], "skills": ["SQL"], "languages": ["en", "Portuguese"], "country": "PT",
    "bio": "Twelve years in retail.", "portfolio_urls": ["https://duarte.test"],
}  # fmt: skip


def call(browser: Browser, method: str, path: str, body: Any = None) -> Any:
    return browser.open(path, method=method, json=body, headers={"X-CSRFToken": browser.csrf_token()})


def send(browser: Browser, application: dict[str, Any]) -> Any:
    """Without a session and its token, as a program does."""
    return browser.open(f"{V1}/apply", method="POST", json=application)


@pytest.fixture
def priya(app: Flask) -> Any:
    return consultations.consultant(specialties=["Pricing", "Tax law"], languages=["en", "ta"], country="IN")


@pytest.fixture
def admin(app: Flask, sign_in: SignIn) -> Browser:
    consultations.house()
    people.admin("admin@quittance.test")
    return sign_in(Portal.ADMIN, "admin@quittance.test")


def test_search_and_one(client: Browser, priya: Any) -> None:
    consultations.consultant(name="Inês Duarte", specialties=["Law"], languages=["pt"])
    found = client.get(f"{V1}/search?q=priya&specialty=pricing&language=ta&available=true").json
    assert found["next_cursor"] is None
    (row,) = found["data"]
    assert (row["id"], row["name"], row["is_accepting_bookings"], row["rating"]) == (
        str(priya), "Priya Raghavan", True, None,
    )  # fmt: skip
    first = client.get(f"{V1}/search?limit=1").json
    second = client.get(f"{V1}/search?limit=1&cursor={first['next_cursor']}").json
    assert {first["data"][0]["name"], second["data"][0]["name"]} == {"Priya Raghavan", "Inês Duarte"}
    assert client.get(f"{V1}/search?limit=0").status_code == 422
    one = client.get(f"{V1}/{priya}")
    assert one.json["bio"] == "Priya Raghavan helps." and one.json["offerings"] == [] and "@" not in one.text


def test_approved_and_listed_only(client: Browser, priya: Any) -> None:
    with unit_of_work(PLATFORM) as session:
        profiles.suspend(session, people.admin(), priya, "Under review.")
    assert client.get(f"{V1}/search").json["data"] == []
    assert client.get(f"{V1}/{priya}").status_code == 404


def test_apply(client: Browser, superuser: Any) -> None:
    consultations.house()
    sent = send(client, APPLICATION)
    assert sent.status_code == 202
    assert client.post(signup_link(client)).status_code == 200
    row = superuser.execute(
        """SELECT a.status, a.work, d.practice, d.languages FROM payee_applications a
        JOIN consultant_application_details d ON d.application_id = a.id"""
    ).fetchone()
    assert row == ("submitted", "Pricing for small shops", "advisor", ["en", "pt"])
    wrong = APPLICATION | {"languages": ["Elvish"], "portfolio_urls": ["ftp://x"], "practice": "wizard"}
    assert set(send(client, wrong).json["errors"]) == {"practice"}
    wrong |= {"practice": "doctor"}
    assert set(send(client, wrong).json["errors"]) == {"portfolio_urls"}
    assert client.post(f"{V1}/apply", APPLICATION, csrf=False).status_code == 415
    nowhere = send(client, APPLICATION | {"organization": "nowhere", "practice": "doctor"})
    assert nowhere.status_code == 404


def test_own_profile(priya: Any, client: Browser, sign_in: SignIn) -> None:
    mine = sign_in(Portal.CONSULTANT, "priya@consultant.test")
    before = call(mine, "GET", f"{V1}/profile").json
    changed = call(mine, "PUT", f"{V1}/profile", {"headline": "Prices that hold", "timeZone": "Asia/Kolkata"})
    assert changed.status_code == 200
    assert changed.json == before | {"headline": "Prices that hold", "time_zone": "Asia/Kolkata"}
    wrong = call(mine, "PUT", f"{V1}/profile", {"languages": ["Elvish"], "time_zone": "Mars"})
    assert wrong.status_code == 422 and set(wrong.json["errors"]) == {"languages", "time_zone"}
    assert set(call(mine, "PUT", f"{V1}/profile", {"portfolioUrls": "x"}).json["errors"]) == {"portfolio_urls"}
    assert call(mine, "PUT", f"{V1}/booking-status", {"is_accepting_bookings": False}).json == {
        "is_accepting_bookings": False
    }
    assert set(call(mine, "PUT", f"{V1}/booking-status", {}).json["errors"]) == {"is_accepting_bookings"}
    assert client.get(f"{V1}/{priya}").json["is_accepting_bookings"] is False
    assert mine.open(f"{V1}/profile", method="PUT", json={"headline": "x"}).status_code == 400


def test_own_profile_is_nobody_elses(priya: Any, client: Browser, admin: Browser) -> None:
    assert client.get(f"{V1}/profile").status_code == 401
    assert call(client, "PUT", f"{V1}/booking-status", {"is_accepting_bookings": True}).status_code == 401
    assert admin.get(f"{V1}/profile").status_code == 404


def test_the_platform_decides(admin: Browser, superuser: Any) -> None:
    application, queue = applied(), "/api/v1/admin/advisor-applications"
    (row,) = admin.get(queue).json["data"]
    assert (row["id"], row["practice"], row["status"], row["languages"]) == (
        str(application), "advisor", "SUBMITTED", ["en", "pt"],
    )  # fmt: skip
    url = f"/api/v1/admin/advisors/{application}/approve"
    assert set(call(admin, "PUT", url, {"approved": False}).json["errors"]) == {"notes"}
    assert set(call(admin, "PUT", url, {"notes": "Hm."}).json["errors"]) == {"approved"}
    done = call(admin, "PUT", url, {"approved": True, "notes": "Welcome."}).json
    assert done["status"] == "APPROVED" and admin.get(f"{V1}/{done['advisor_id']}").json["name"] == "Inês Duarte"
    assert call(admin, "PUT", url, {"approved": False, "notes": "No."}).status_code == 409
    assert admin.get(queue).json["data"] == []
    assert admin.get(f"{queue}?status=approved").json["data"][0]["notes"] == "Welcome."


def test_declined_with_notes_by_mail(admin: Browser, superuser: Any) -> None:
    answer = call(admin, "PUT", f"/api/v1/admin/advisors/{applied()}/approve", {"approved": False, "notes": "No room."})
    assert answer.json["status"] == "DECLINED"
    mail = "SELECT template, context->>'reason' FROM mails ORDER BY id DESC LIMIT 1"
    assert superuser.execute(mail).fetchone() == ("application_declined", "No room.")


def test_only_the_platform_decides(admin: Browser, priya: Any, client: Browser, sign_in: SignIn) -> None:
    url = f"/api/v1/admin/advisors/{applied()}/approve"
    people.member(accepting("other"), Role.OWNER, "owner@other.test")
    assert client.get("/api/v1/admin/advisor-applications").status_code == 401
    for browser in (sign_in(Portal.ORG, "owner@other.test"), sign_in(Portal.CONSULTANT, "priya@consultant.test")):
        assert browser.get("/api/v1/admin/advisor-applications").status_code == 404
        assert call(browser, "PUT", url, {"approved": True, "notes": ""}).status_code == 404
