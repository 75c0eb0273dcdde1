"""From the queue into the directory: what a consultant said of themselves becomes their profile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from app.consultations import applications, directory
from app.consultations.directory import Wanted
from app.consultations.profile_rules import Expertise
from app.consultations.states import Practice
from app.core import clock
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.files.pictures import square
from app.files.storage import storage
from app.identity.states import Portal
from app.organizations.states import Role
from app.payees import applications as everybodys
from app.payees.application_rules import Stated
from app.payees.states import PayeeKind
from jobs import housekeeping
from tests.factories import consultations, people
from tests.factories.people import PLATFORM
from tests.portals.auth.test_consultant_signup import picture
from tests.portals.auth.test_signup import accepting
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
EMAIL = "ines@duarte.test"
SAID = Expertise(Practice.ADVISOR, ("SQL",), ("Pricing",), ("en", "pt"), "Twelve years in retail.")


def applied(slug: str | None = None, said: Expertise = SAID, confirmed: bool = True) -> UUID:
    inspected, content = square(picture(), "me.png")
    key = storage().put(content)
    stated = Stated("Inês Duarte", "Pricing for small shops", "PT", ("https://duarte.test/work",), "")
    with unit_of_work(Scope.public()) as session:
        token = applications.apply(session, slug, EMAIL, stated, said, (inspected, key))
        assert token
        if confirmed:
            everybodys.confirm(session, PayeeKind.CONSULTANT, token)
    with unit_of_work(PLATFORM) as session:
        found = everybodys.newest(session, EMAIL)
    assert found or not confirmed
    return found  # type: ignore[return-value]


@pytest.fixture
def admin(app: Flask, sign_in: SignIn) -> Browser:
    consultations.house()
    people.admin("admin@quittance.test")
    return sign_in(Portal.ADMIN, "admin@quittance.test")


def listed() -> list[Any]:
    with unit_of_work(Scope.public()) as session:
        return list(directory.search(session, Wanted()).items)


def one(superuser: Any, query: str) -> Any:
    return superuser.execute(query).fetchone()


def test_approved_means_profile_account_and_mail(admin: Browser, sign_in: SignIn, superuser: Any) -> None:
    url = f"/admin/applications/{applied()}"
    page = admin.get(url).text
    assert all(words in page for words in ("Advisor", "Pricing", "English, Portuguese", "Twelve years in retail."))
    shown = admin.get(f"{url}/picture")
    assert (shown.status_code, shown.content_type) == (200, "image/jpeg")
    assert admin.get(f"{url}/picture", headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304
    assert "goes into the mail" in admin.get(f"{url}/approval").text
    long = admin.post(f"{url}/approval", {"message": "x" * 1_001})
    assert long.status_code == 422 and 'id="message-e"' in long.text and listed() == []
    assert "/admin/payees/" in admin.post(f"{url}/approval", {"message": "Welcome, Inês."}).location
    (row,) = listed()
    assert (row.name, row.headline, row.practice, row.languages, row.slug) == (
        "Inês Duarte", "Pricing for small shops", Practice.ADVISOR, ["en", "pt"], "ines-duarte",
    )  # fmt: skip
    assert one(superuser, "SELECT payee_id IS NOT NULL FROM stored_files") == (True,)
    mail = one(superuser, "SELECT template, context->>'message' FROM mails ORDER BY id DESC LIMIT 1")
    assert mail == ("invitation", "Welcome, Inês.")
    assert sign_in(Portal.CONSULTANT, EMAIL).get("/consultant/payments").status_code == 200


def test_declined_means_mail_and_no_profile(admin: Browser, superuser: Any) -> None:
    url = f"/admin/applications/{applied()}"
    assert admin.post(f"{url}/refusal", {"reason": "No room until May."}).status_code == 303
    mail = one(superuser, "SELECT template, context->>'reason' FROM mails ORDER BY id DESC LIMIT 1")
    assert mail == ("application_declined", "No room until May.") and listed() == []


def test_by_an_organization_for_itself(admin: Browser, sign_in: SignIn) -> None:
    oxford = accepting()
    application = applied("oxford", Expertise(Practice.DOCTOR, (), ("Dermatology",), ("en",), "Skin."))
    people.member(oxford, Role.OWNER, "owner@oxford.test")
    people.member(accepting("other"), Role.OWNER, "owner@other.test")
    owner, stranger = sign_in(Portal.ORG, "owner@oxford.test"), sign_in(Portal.ORG, "owner@other.test")
    assert stranger.get(f"/org/other/applications/{application}/picture").status_code == 404
    assert owner.get(f"/org/oxford/applications/{application}/picture").status_code == 200
    assert owner.post(f"/org/oxford/applications/{application}/approval").status_code == 303
    (row,) = listed()
    assert (row.organization_id, row.practice) == (oxford, Practice.DOCTOR)


def test_one_more_organization_leaves_the_profile_where_it_is(admin: Browser) -> None:
    house = consultations.house()
    consultations.consultant(name="Inês Duarte", email=EMAIL)
    accepting()
    application = applied("oxford", Expertise(Practice.DOCTOR, (), ("Dermatology",), ("en",), "Skin."))
    assert admin.post(f"/admin/applications/{application}/approval").status_code == 303
    (row,) = listed()
    assert (row.organization_id, row.practice) == (house, Practice.CONSULTANT)


def test_what_was_never_confirmed_is_forgotten_with_its_picture(admin: Browser, superuser: Any) -> None:
    applied(confirmed=False)
    with clock.at(clock.utc_now() + timedelta(days=34)):
        housekeeping.tidy()
    for table in ("payee_applications", "consultant_application_details", "stored_files"):
        assert one(superuser, f"SELECT count(*) FROM {table}") == (0,), table
