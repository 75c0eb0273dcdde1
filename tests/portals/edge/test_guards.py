"""Who comes in where, with which rights, and how whoever may not is sent away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask

from app.core import clock
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.identity import queries
from app.identity.states import Portal
from app.organizations import service as organizations
from app.organizations.states import MemberStatus, Role
from tests.factories import people
from tests.factories.organizations import organization
from tests.portals.conftest import Browser

Superuser = psycopg.Connection[tuple[Any, ...]]


def browse(app: Flask, portal: Portal, email: str) -> Browser:
    made = app.test_client()
    assert isinstance(made, Browser)
    return made.sign_in(portal, email)


def test_nobody_is_sent_to_sign_in_and_back(client: Browser) -> None:
    answer = client.get("/vendor/toy/stream?page=2")
    assert (answer.status_code, answer.location) == (303, "/vendor/signin?next=/vendor/toy/stream?page%3D2")
    fragment = client.htmx("GET", "/vendor/toy/stream", headers={"Referer": "http://localhost/vendor/toy/write"})
    assert fragment.status_code == 401
    assert fragment.headers["HX-Redirect"] == "/vendor/signin?next=/vendor/toy/write"
    foreign = client.htmx("GET", "/vendor/toy/stream", headers={"Referer": "https://evil.test/vendor/x"})
    assert foreign.headers["HX-Redirect"] == "/vendor/signin"


def test_a_session_of_another_portal_finds_nothing(app: Flask, oxford: UUID) -> None:
    people.account(Portal.ADMIN, "admin@example.test")
    people.member(oxford, Role.OWNER, "owner@example.test")
    for portal, email in ((Portal.ADMIN, "admin@example.test"), (Portal.ORG, "owner@example.test")):
        answer = browse(app, portal, email).get("/vendor/toy/write")
        assert answer.status_code == 404
        assert "There is nothing here" in answer.text


def test_members_only(app: Flask, oxford: UUID, superuser: Superuser) -> None:
    organization("cambridge")
    people.member(oxford, Role.MANAGER, "maya@example.test")
    maya = browse(app, Portal.ORG, "maya@example.test")
    assert maya.get("/org/oxford/toy/").json == {
        "organization": "oxford",
        "role": "ORG_MANAGER",
        "rank": 60,
        "scope": str(oxford),
        "here": "/org/oxford/toy/",
        "there": "/org/elsewhere/toy/",
    }
    answers = [maya.get(f"/org/{slug}/toy/") for slug in ("cambridge", "nowhere")]
    assert [answer.status_code for answer in answers] == [404, 404]
    texts = {answer.text.replace("cambridge", "X").replace("nowhere", "X").split("<main")[1] for answer in answers}
    assert len(texts) == 1  # who is no member does not learn which organizations exist


@pytest.mark.parametrize("status", [MemberStatus.PENDING, MemberStatus.REMOVED])
def test_only_active_members(app: Flask, oxford: UUID, superuser: Superuser, status: MemberStatus) -> None:
    people.member(oxford, Role.OWNER, "maya@example.test")
    maya = browse(app, Portal.ORG, "maya@example.test")
    assert maya.get("/org/oxford/toy/").status_code == 200
    superuser.execute("UPDATE members SET status = %s", [status.value])
    assert maya.get("/org/oxford/toy/").status_code == 404


def test_suspended_accounts_are_out_at_once(app: Flask, oxford: UUID, superuser: Superuser) -> None:
    people.member(oxford, Role.OWNER, "maya@example.test")
    maya = browse(app, Portal.ORG, "maya@example.test")
    superuser.execute("UPDATE accounts SET status = 'suspended'")
    assert maya.get("/org/oxford/toy/").status_code == 303


def test_rows_of_other_organizations_are_not_there(app: Flask, oxford: UUID, superuser: Superuser) -> None:
    people.member(oxford, Role.OWNER, "maya@example.test")
    people.member(organization("cambridge"), Role.OWNER, "noah@example.test")
    maya = browse(app, Portal.ORG, "maya@example.test")
    seen = {
        email: maya.get(f"/org/oxford/toy/members/{member_id}").json
        for member_id, email in superuser.execute("SELECT id, email FROM members")
    }
    assert seen == {"maya@example.test": {"email": "maya@example.test"}, "noah@example.test": {"email": None}}


def test_a_role_that_lacks_the_right_is_told_whom_to_ask(app: Flask, oxford: UUID) -> None:
    people.member(oxford, Role.MANAGER, "maya@example.test")
    people.member(oxford, Role.OWNER, "olga@example.test")
    people.member(oxford, Role.ADMIN, "arne@example.test")
    maya = browse(app, Portal.ORG, "maya@example.test")
    answer = maya.post("/org/oxford/toy/funds")
    assert answer.status_code == 403
    assert "Your role here is Manager, which does not include this. Ask Olga or Arne." in answer.text
    toast = maya.htmx("POST", "/org/oxford/toy/funds")
    assert toast.status_code == 403
    assert "toast--bad" in toast.text
    assert browse(app, Portal.ORG, "arne@example.test").post("/org/oxford/toy/funds").status_code == 200


def test_step_up_after_a_while(maya: Browser) -> None:
    assert maya.post("/vendor/toy/careful").location == "/vendor/toy/write"
    with clock.at(clock.utc_now() + timedelta(minutes=31)):
        answer = maya.htmx("POST", "/vendor/toy/careful", headers={"Referer": "http://localhost/vendor/toy/write"})
        assert answer.headers["HX-Redirect"] == "/vendor/step-up?next=/vendor/toy/write"
        assert "Confirm it is you" in maya.get(answer.headers["HX-Redirect"]).text


def test_the_chooser(app: Flask, oxford: UUID) -> None:
    people.member(oxford, Role.OWNER, "maya@example.test")
    maya = browse(app, Portal.ORG, "maya@example.test")
    assert maya.get("/org/").location == "/org/oxford/"
    cambridge = organization("cambridge")
    with unit_of_work(Scope.platform("tests")) as session:
        account = queries.account_of(session, Portal.ORG, "maya@example.test")
        assert account
        organizations.add_member(
            session, operator(), cambridge, account_id=account.id, name="Maya", email=account.email, role=Role.SUPPORT
        )
    page = maya.get("/org/").text
    assert 'href="/org/oxford/"' in page
    assert 'href="/org/cambridge/"' in page
    people.account(Portal.ORG, "nobody@example.test")
    assert "You are in no organization yet" in browse(app, Portal.ORG, "nobody@example.test").get("/org/").text
