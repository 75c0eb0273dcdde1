"""The consultant's own page: what is published, the picture, and the switch."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.payees import service as payees
from app.payees.states import PayeeKind
from tests.factories import consultations, organizations, people
from tests.portals.auth.test_consultant_signup import picture
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
URL = "/consultant/public-profile"
FORM = {
    "name": "Priya R.", "headline": "Prices that hold", "bio": "Ten years of prices.",
    "specialties": "Pricing, Tax law", "skills": "SQL", "languages": "English, Tamil", "country": "IN",
    "portfolio_urls": "https://priya.test/work", "time_zone": "Asia/Kolkata",
}  # fmt: skip


@pytest.fixture
def priya(app: Flask, sign_in: SignIn) -> Browser:
    consultations.consultant()
    return sign_in(Portal.CONSULTANT, "priya@consultant.test")


def test_saved_and_shown_to_clients(priya: Browser, client: Browser) -> None:
    assert "Priya Raghavan helps." in priya.get(URL).text
    assert priya.post(URL, FORM).location == URL
    page, public = priya.get(URL).text, client.get("/advisors/priya-raghavan").text
    assert "English, Tamil" in page and "Asia/Kolkata" in page
    for words in ("Priya R.", "Prices that hold", "Ten years of prices.", "Tax law", "https://priya.test/work"):
        assert words in public, words


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"), ({"bio": " "}, "bio"), ({"specialties": ""}, "specialties"),
        ({"languages": "Elvish"}, "languages"), ({"portfolio_urls": "ftp://x"}, "portfolio_urls"),
        ({"time_zone": "Mars/Base"}, "time_zone"), ({"country": "XX"}, "country"),
        ({"headline": "x" * 201}, "headline"),
    ],
)  # fmt: skip
def test_wrong_fields_are_said_and_nothing_is_lost(priya: Browser, wrong: dict[str, str], field: str) -> None:
    answer = priya.post(URL, {**FORM, **wrong})
    assert answer.status_code == 422 and f'id="{field}-e"' in answer.text
    assert ("SQL" in answer.text and "Ten years of prices." in answer.text) or field == "bio"
    assert "Ten years of prices." not in priya.get(URL).text


def test_the_picture(priya: Browser, superuser: Any) -> None:
    assert priya.get(f"{URL}/picture").status_code == 404
    bad = priya.post(URL, {**FORM, "files": (io.BytesIO(b"<svg/>"), "me.png")}, content_type="multipart/form-data")
    assert bad.status_code == 422 and 'id="files-e"' in bad.text
    for _time in range(2):
        sent = {**FORM, "files": (io.BytesIO(picture()), "me.png")}
        assert priya.post(URL, sent, content_type="multipart/form-data").status_code == 303
        assert priya.get(f"{URL}/picture").content_type == "image/jpeg"
    assert superuser.execute("SELECT count(*) FROM stored_files").fetchone() == (1,)
    assert "Remove your picture?" in priya.get(f"{URL}/picture/removal").text
    assert priya.post(f"{URL}/picture/removal").location == URL
    assert superuser.execute("SELECT count(*) FROM stored_files").fetchone() == (0,)
    assert "picture.jpg" not in priya.get("/consultant/files").text


def test_the_switch(priya: Browser, client: Browser) -> None:
    assert "Stop accepting" in priya.get(URL).text
    assert priya.post(f"{URL}/bookings", {"accepting": "0"}).location == URL
    assert "Accept bookings" in priya.get(URL).text
    assert "Not accepting bookings now" in client.get("/advisors/priya-raghavan").text
    assert "Nobody matches" in client.get("/advisors?available=1").text
    priya.post(f"{URL}/bookings", {"accepting": "1"})
    assert "Priya Raghavan" in client.get("/advisors?available=1").text


def test_nobody_else(app: Flask, client: Browser, sign_in: SignIn) -> None:
    consultations.consultant()
    house = consultations.house()
    with unit_of_work(Scope.organization(house)) as session:
        other = payees.create(
            session, operator(), house, kind=PayeeKind.CREATOR, name="Amara", currency="USD", email="a@creator.test"
        ).id
    people.account(Portal.CREATOR, "a@creator.test", other)
    creator = sign_in(Portal.CREATOR, "a@creator.test")
    assert client.get(URL).location.startswith("/consultant/signin")
    for path in ("", "/picture", "/picture/removal"):
        assert creator.get(URL + path).status_code == 404
    assert creator.post(f"{URL}/bookings", {"accepting": "0"}).status_code == 404


def test_who_was_engaged_without_a_profile(app: Flask, sign_in: SignIn) -> None:
    fernhill = organizations.organization("fernhill")
    with unit_of_work(Scope.organization(fernhill)) as session:
        made = payees.create(
            session, operator(), fernhill, kind=PayeeKind.CONSULTANT, name="Old Hand", currency="USD"
        ).id
    people.account(Portal.CONSULTANT, "old@consultant.test", made)
    old = sign_in(Portal.CONSULTANT, "old@consultant.test")
    assert "You have no public profile" in old.get(URL).text
    assert old.post(URL, FORM).status_code == 404
    assert old.post(f"{URL}/bookings", {"accepting": "1"}).status_code == 404
