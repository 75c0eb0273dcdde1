"""The queue of applications, of an organization and of the platform: looked at, approved, declined, decided once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from app.core.errors import Conflict
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations.states import Role
from app.payees import applications
from app.payees.application_rules import Stated
from app.payees.states import PayeeKind
from tests.factories import payees, people
from tests.factories.people import PLATFORM
from tests.portals.auth.test_signup import accepting
from tests.portals.auth.test_signup import house as platform
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
EMAIL, QUEUE = "ines@duarte.test", "/org/oxford/applications"


def applied(kind: PayeeKind = PayeeKind.CREATOR, slug: str | None = "oxford", email: str = EMAIL) -> UUID:
    """A confirmed application."""
    stated = Stated("Inês Duarte", "Illustration", "PT", ("https://duarte.test",), "Hello.\nI draw.")
    with unit_of_work(Scope.public()) as session:
        token = applications.apply(session, kind, slug, email, stated)
        assert token
        applications.confirm(session, kind, token)
    with unit_of_work(PLATFORM) as session:
        found = applications.newest(session, email)
    assert found
    return found


@pytest.fixture
def oxford(app: Flask) -> UUID:
    return accepting()


@pytest.fixture
def owner(oxford: UUID, sign_in: SignIn) -> Browser:
    people.member(oxford, Role.OWNER, "owner@oxford.test")
    return sign_in(Portal.ORG, "owner@oxford.test")


def one(superuser: Any, query: str) -> Any:
    return superuser.execute(query).fetchone()


@pytest.mark.parametrize("kind", [PayeeKind.CREATOR, PayeeKind.CONTRACTOR, PayeeKind.VENDOR, PayeeKind.CONSULTANT])
def test_approved_means_payee_engagement_account_and_mail(
    owner: Browser, sign_in: SignIn, superuser: Any, kind: PayeeKind
) -> None:
    application = applied(kind)
    assert "Inês Duarte" in owner.get(QUEUE).text
    page = owner.get(f"{QUEUE}/{application}").text
    assert "Portugal" in page and "https://duarte.test" in page and "I draw." in page
    made = owner.post(f"{QUEUE}/{application}/approval")
    assert made.status_code == 303 and "/org/oxford/payees/" in made.location
    assert owner.get(made.location).status_code == 200
    assert one(superuser, "SELECT kind, name, email, country FROM payees") == (kind.value, "Inês Duarte", EMAIL, "PT")
    assert one(superuser, "SELECT count(*) FROM engagements") == (1,)
    mail = one(superuser, "SELECT to_address, template FROM mails ORDER BY id DESC LIMIT 1")
    assert mail == (EMAIL, "invitation")
    assert sign_in(Portal(kind.value), EMAIL).get(f"/{kind.value}/payments").status_code == 200
    assert "Inês Duarte" not in owner.get(QUEUE).text and "Inês Duarte" in owner.get(f"{QUEUE}?state=approved").text
    assert owner.post(f"{QUEUE}/{application}/approval").status_code == 409
    assert owner.post(f"{QUEUE}/{application}/refusal", {"reason": "No."}).status_code == 409


def test_the_same_button_twice_is_once(owner: Browser, superuser: Any) -> None:
    application = applied()
    sent = {"idempotency_key": "a" * 32}
    first = owner.post(f"{QUEUE}/{application}/approval", sent)
    again = owner.post(f"{QUEUE}/{application}/approval", sent)
    assert (first.status_code, again.status_code, again.location) == (303, 303, first.location)
    assert one(superuser, "SELECT count(*) FROM payees") == (1,)


def test_of_two_reviewers_one_decides(oxford: UUID, superuser: Any) -> None:
    application, results = applied(), []
    both = threading.Barrier(2)

    def review(approve: bool) -> None:
        both.wait()
        try:
            with unit_of_work(Scope.organization(oxford)) as session:
                if approve:
                    applications.approve(session, operator("A"), application)
                else:
                    applications.decline(session, operator("B"), application, "No.")
            results.append("done")
        except Conflict:
            results.append("late")

    threads = [threading.Thread(target=review, args=(choice,)) for choice in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(results) == ["done", "late"]


def test_declined_with_a_reason_they_read(owner: Browser, superuser: Any) -> None:
    application = applied()
    empty = owner.post(f"{QUEUE}/{application}/refusal", {"reason": " "})
    assert empty.status_code == 422 and 'id="reason-e"' in empty.text
    assert owner.post(f"{QUEUE}/{application}/refusal", {"reason": "No budget until May."}).location == QUEUE
    mail = one(superuser, "SELECT to_address, template, context->>'reason' FROM mails ORDER BY id DESC LIMIT 1")
    assert mail == (EMAIL, "application_declined", "No budget until May.")
    assert one(superuser, "SELECT count(*) FROM payees") == (0,)
    assert "No budget until May." in owner.get(f"{QUEUE}/{application}").text
    assert applied()  # who was declined may ask again


def test_somebody_others_know_keeps_payee_and_account(owner: Browser, superuser: Any, oxford: UUID) -> None:
    bath = accepting("bath")
    known = payees.vendor(bath, "Ines D.", kind=PayeeKind.CREATOR)
    people.account(Portal.CREATOR, EMAIL, known)
    application = applied()
    assert str(known) in owner.post(f"{QUEUE}/{application}/approval").location
    assert one(superuser, "SELECT count(*) FROM payees") == (1,)
    assert one(superuser, "SELECT count(*) FROM engagements") == (2,)
    second = applied()
    assert owner.post(f"{QUEUE}/{second}/approval").status_code == 409  # engaged already


def test_a_vendor_of_others_needs_another_address(owner: Browser, superuser: Any) -> None:
    people.account(Portal.VENDOR, EMAIL, payees.vendor(accepting("bath"), "Other"))
    application = applied(PayeeKind.VENDOR)
    refused = owner.post(f"{QUEUE}/{application}/approval")
    assert refused.status_code == 409 and "another address" in refused.text
    assert one(superuser, "SELECT status FROM payee_applications") == ("submitted",)


def test_filters_and_pages(owner: Browser) -> None:
    for number in range(3):
        applied(PayeeKind.CREATOR, email=f"c{number}@duarte.test")
    applied(PayeeKind.VENDOR, email="v@duarte.test")
    assert owner.get(f"{QUEUE}?kind=vendor").text.count("@duarte.test") == 1
    assert owner.get(f"{QUEUE}?q=C1@").text.count("@duarte.test") == 1
    first = owner.get(f"{QUEUE}?limit=3").text
    assert first.count("@duarte.test") == 3 and "cursor=" in first
    assert owner.get(f"{QUEUE}?kind=nonsense&state=nonsense").status_code == 200
    assert "Nothing matches" in owner.get(f"{QUEUE}?q=nobody").text


def test_who_is_refused(owner: Browser, oxford: UUID, sign_in: SignIn, client: Browser, superuser: Any) -> None:
    application = applied()
    people.member(oxford, Role.SUPPORT, "support@oxford.test")
    support = sign_in(Portal.ORG, "support@oxford.test")
    assert support.get(f"{QUEUE}/{application}").status_code == 200
    assert support.post(f"{QUEUE}/{application}/approval").status_code == 403
    assert support.post(f"{QUEUE}/{application}/refusal", {"reason": "No."}).status_code == 403
    people.member(accepting("bath"), Role.OWNER, "owner@bath.test")
    stranger = sign_in(Portal.ORG, "owner@bath.test")
    assert "Inês" not in stranger.get("/org/bath/applications?state=all").text
    for path in (f"/org/bath/applications/{application}", f"{QUEUE}/{application}"):
        assert stranger.get(path).status_code == 404
        assert stranger.post(f"{path}/approval").status_code == 404
    assert client.get(QUEUE).location.startswith("/org/signin")
    assert one(superuser, "SELECT status FROM payee_applications") == ("submitted",)


def test_unconfirmed_ones_are_nobody_s_business(owner: Browser, superuser: Any) -> None:
    application = applied()
    superuser.execute("UPDATE payee_applications SET status = 'unconfirmed'")
    assert "Inês" not in owner.get(f"{QUEUE}?state=all").text
    assert owner.get(f"{QUEUE}/{application}").status_code == 404
    assert owner.post(f"{QUEUE}/{application}/approval").status_code == 404


def test_the_platform_decides_about_its_own_and_sees_all(sign_in: SignIn, superuser: Any) -> None:
    accepting()
    house_id = platform()
    mine, theirs = applied(PayeeKind.CONSULTANT, None, "priya@raman.test"), applied()
    people.admin("admin@quittance.test")
    admin = sign_in(Portal.ADMIN, "admin@quittance.test")
    page = admin.get("/admin/applications").text
    assert "priya@raman.test" in page and EMAIL in page and "Oxford" in page
    made = admin.post(f"/admin/applications/{mine}/approval")
    assert made.status_code == 303 and admin.get(made.location).status_code == 200
    assert one(superuser, "SELECT organization_id FROM engagements") == (house_id,)
    assert admin.post(f"/admin/applications/{theirs}/refusal", {"reason": "Spam."}).status_code == 303


def test_taken_only_where_the_organization_says_so(owner: Browser, superuser: Any) -> None:
    page = owner.get("/org/oxford/settings").text
    assert "/creator/signup?organization=oxford" in page
    fields = {"name": "Oxford", "legal_name": "", "billing_email": "", "time_zone": "UTC"}
    assert owner.post("/org/oxford/settings", fields).status_code == 303
    assert one(superuser, "SELECT accepts_applications FROM organizations WHERE slug = 'oxford'") == (False,)
    assert "/creator/signup" not in owner.get("/org/oxford/settings").text
