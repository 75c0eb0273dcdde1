"""Every address of every portal against everybody it is not for. The list is the URL map itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.identity.states import Portal
from app.organizations.states import Role
from portals.web.ratelimit import limiter
from tests.architecture.conftest import OPEN_AUTH, Route, Superuser
from tests.factories import people
from tests.factories.organizations import organization
from tests.factories.payees import vendor
from tests.portals.conftest import Browser

# What stands in an address, and the table its row is in.
TABLE_OF = {
    "appointment_id": "appointments",
    "appointment_import_id": "appointment_imports",
    "application_id": "payee_applications",
    "account_id": "accounts",
    "adjustment_id": "adjustments",
    "batch_id": "batches",
    "code_id": "discount_codes",
    "consultation_id": "consultations",
    "contract_id": "contracts",
    "deposit_id": "deposits",
    "event_id": "webhook_events",
    "deliverable_id": "deliverables",
    "earning_id": "earnings",
    "entry_id": "time_entries",
    "export_id": "payout_exports",
    "file_id": "stored_files",
    "import_id": "bill_imports",
    "invoice_id": "invoices",
    "invitation_id": "member_invitations",
    "item_id": "desk_items",
    "key_id": "api_keys",
    "mail_id": "mails",
    "line_id": "statement_lines",
    "member_id": "members",
    "member_import_id": "member_imports",
    "method_id": "methods",
    "notice_id": "notices",
    "offering_id": "offerings",
    "order_id": "orders",
    "order_import_id": "order_imports",
    "organization_id": "organizations",
    "pack_id": "seat_packs",
    "passkey_id": "passkeys",
    "payee_id": "payees",
    "payee_import_id": "payee_imports",
    "payout_id": "payouts",
    "project_id": "projects",
    "request_id": "payment_requests",
    "return_id": "charge_returns",
    "review_id": "reviews",
    "run_id": "payout_runs",
    "session_id": "sign_in_sessions",
    "statement_id": "bank_statements",
    "store_id": "stores",
    "template_id": "contract_templates",
    "thread_id": "message_threads",
    "transfer_id": "own_transfers",
    "write_off_id": "write_offs",
}
# Rows that must be as they were after strangers have tried everything.
UNTOUCHED = (
    "adjustments",
    "api_keys",
    "batches",
    "charge_returns",
    "consultations",
    "contract_signatures",
    "contract_templates",
    "contracts",
    "deliverable_submissions",
    "deliverables",
    "discount_codes",
    "engagements",
    "invoice_payments",
    "invoices",
    "member_imports",
    "member_invitations",
    "members",
    "message_threads",
    "messages",
    "methods",
    "notices",
    "offerings",
    "orders",
    "payee_imports",
    "passkeys",
    "payee_applications",
    "payees",
    "payment_requests",
    "payouts",
    "projects",
    "seat_packs",
    "stores",
)


@pytest.fixture(autouse=True)
def _no_limits() -> Iterator[None]:
    """Hundreds of calls from one address are the point here."""
    limiter.enabled = False
    yield
    limiter.enabled = True


def call(browser: Browser, route: Route, url: str) -> TestResponse:
    if route.method == "GET":
        return browser.get(url)
    return browser.open(url, method=route.method, data={"csrf_token": browser.csrf_token()})


def browse(app: Flask, portal: Portal, email: str) -> Browser:
    made = app.test_client()
    assert isinstance(made, Browser)
    return made.sign_in(portal, email)


def somebody(superuser: Superuser, portal: Portal) -> str:
    found = superuser.execute("SELECT email FROM accounts WHERE portal = %s ORDER BY id", [portal.value]).fetchone()
    if found:
        return str(found[0])
    email = f"{portal.value}@example.test"
    people.account(portal, email, vendor(organization(f"{portal.value}-payer")) if portal.is_payee else None)
    return email


def wrong(answers: dict[Route, TestResponse], right: Callable[[Route, TestResponse], bool]) -> list[str]:
    return [f"{route} → {answer.status_code}" for route, answer in answers.items() if not right(route, answer)]


def test_the_map_is_all_there(routes: list[Route]) -> None:
    """Guards against a walk that walks nowhere."""
    count = Counter(route.portal for route in routes)
    assert set(count) == set(Portal)
    assert all(count[portal] >= 6 for portal in Portal)
    assert {name for route in routes for name in route.rule.arguments if name.endswith("_id")} <= set(TABLE_OF)


def test_nobody_is_sent_to_sign_in(client: Browser, routes: list[Route]) -> None:
    answers = {route: call(client, route, route.url()) for route in routes}

    def right(route: Route, answer: TestResponse) -> bool:
        if route.rule.rule.startswith("/api/"):  # a program cannot sign in on a page
            return answer.status_code == 401
        return answer.status_code == 303 and answer.location.startswith(f"/{route.portal.value}/signin")

    assert not wrong(answers, right)


@pytest.mark.parametrize("portal", list(Portal))
def test_other_portals_find_nothing(app: Flask, superuser: Superuser, routes: list[Route], portal: Portal) -> None:
    browser = browse(app, portal, somebody(superuser, portal))
    answers = {route: call(browser, route, route.url()) for route in routes if route.portal is not portal}
    assert not wrong(answers, lambda _route, a: a.status_code == 404)


def test_members_of_another_organization_find_nothing(app: Flask, world: None, routes: list[Route]) -> None:
    people.member(organization("cambridge"), Role.OWNER, "olga@example.test")
    olga = browse(app, Portal.ORG, "olga@example.test")
    answers = {route: call(olga, route, route.url("oxford")) for route in routes if route.of_organization}
    assert len(answers) > 30
    assert not wrong(answers, lambda _route, a: a.status_code == 404)


def digest(superuser: Superuser) -> dict[str, Any]:
    return {
        table: superuser.execute(f"SELECT md5(string_agg(t::text, ',' ORDER BY t.id)) FROM {table} t").fetchone()
        for table in UNTOUCHED
    }


def ids_where(superuser: Superuser, condition: str, value: object) -> Callable[[str], UUID]:
    """For each gap in an address a row that fits the condition, else an id nobody has."""

    def pick(name: str) -> UUID:
        table = TABLE_OF[name]
        columns = {
            row[0]
            for row in superuser.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table]
            )
        }
        column = condition.split()[0]
        if column not in columns:
            return uuid4()
        found = superuser.execute(f"SELECT id FROM {table} WHERE {condition} ORDER BY id LIMIT 1", [value]).fetchone()
        return found[0] if found else uuid4()

    return pick


def test_an_organization_reaches_no_row_of_another(
    app: Flask, world: None, superuser: Superuser, routes: list[Route]
) -> None:
    """Its own address with the other's ids: nothing is found, nothing is changed."""
    oxford = superuser.execute("SELECT id FROM organizations WHERE slug = 'oxford'").fetchone()
    assert oxford
    theirs = ids_where(superuser, "organization_id <> %s", oxford[0])
    payee = superuser.execute(
        "SELECT payee_id FROM engagements WHERE organization_id <> %s ORDER BY id LIMIT 1", [oxford[0]]
    ).fetchone()
    assert payee

    def ids(name: str) -> UUID:
        return UUID(str(payee[0])) if name == "payee_id" else theirs(name)

    people.member(oxford[0], Role.OWNER, "olga@example.test")
    olga = browse(app, Portal.ORG, "olga@example.test")
    before = digest(superuser)
    answers = {
        route: call(olga, route, route.url("oxford", ids))
        for route in routes
        if route.of_organization and any(name.endswith("_id") for name in route.rule.arguments)
    }
    assert len(answers) > 20
    assert not wrong(answers, lambda route, a: a.status_code in ({404} if route.method == "GET" else {404, 422}))
    assert digest(superuser) == before


@pytest.mark.parametrize("portal", [Portal.VENDOR, Portal.CONTRACTOR, Portal.CREATOR, Portal.CONSULTANT])
def test_a_payee_reaches_no_row_of_another(
    app: Flask, world: None, superuser: Superuser, routes: list[Route], portal: Portal
) -> None:
    email = somebody(superuser, portal)
    mine = superuser.execute(
        "SELECT payee_id FROM accounts WHERE portal = %s AND email = %s", [portal.value, email]
    ).fetchone()
    assert mine
    browser = browse(app, portal, email)
    before = digest(superuser)
    answers = {
        route: call(browser, route, route.url(ids=ids_where(superuser, "payee_id <> %s", mine[0])))
        for route in routes
        if route.portal is portal and any(name.endswith("_id") for name in route.rule.arguments)
    }
    assert len(answers) > 3
    assert not wrong(answers, lambda route, a: a.status_code in ({404} if route.method == "GET" else {404, 422}))
    assert digest(superuser) == before


def test_roles_without_rights_change_nothing(
    app: Flask, world: None, superuser: Superuser, routes: list[Route]
) -> None:
    """Learners and consultants of an organization have no part in its money."""
    oxford = superuser.execute("SELECT id FROM organizations WHERE slug = 'fernhill'").fetchone()
    assert oxford
    own = ids_where(superuser, "organization_id = %s", oxford[0])
    for role in (Role.LEARNER, Role.CONSULTANT):
        people.member(oxford[0], role, f"{role.label.lower()}@example.test")
        browser = browse(app, Portal.ORG, f"{role.label.lower()}@example.test")
        before = digest(superuser)
        answers = {
            route: call(browser, route, route.url("fernhill", own))
            for route in routes
            if route.of_organization and route.method == "POST"
        }
        assert not wrong(answers, lambda _route, a: a.status_code in (403, 404))
        assert digest(superuser) == before


def test_whoever_belongs_there_meets_no_fault(
    app: Flask, world: None, superuser: Superuser, routes: list[Route]
) -> None:
    """Every page of every portal for its own people, with rows of their own: an answer below 500."""
    fernhill = superuser.execute("SELECT id FROM organizations WHERE slug = 'fernhill'").fetchone()
    assert fernhill
    people.member(fernhill[0], Role.OWNER, "olga@example.test")
    faults = []
    for portal in Portal:
        email = "olga@example.test" if portal is Portal.ORG else somebody(superuser, portal)
        browser = browse(app, portal, email)
        payee = superuser.execute(
            "SELECT payee_id FROM accounts WHERE portal = %s AND email = %s", [portal.value, email]
        ).fetchone()
        condition = ("payee_id = %s", payee[0]) if payee and payee[0] else ("organization_id = %s", fernhill[0])
        ids = ids_where(superuser, *condition)
        for route in routes:
            if route.portal is portal and route.method == "GET":
                answer = browser.get(route.url("fernhill", ids))
                answer.get_data()  # what is streamed is made only while somebody reads it
                if answer.status_code >= 500:
                    faults.append(f"{route} → {answer.status_code}")
    assert not faults


def test_sign_in_pages_are_open_and_nothing_else_is(app: Flask) -> None:
    """What is open is said once, in one list, and every name in it exists."""
    names = {rule.endpoint.split(".", 1)[1] for rule in app.url_map.iter_rules() if "_auth." in rule.endpoint}
    assert names >= OPEN_AUTH
