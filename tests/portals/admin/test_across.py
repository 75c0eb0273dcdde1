"""Payees of every organization with filters and numbers; contracts, projects and invoices across organizations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.db.session import unit_of_work
from app.identity.states import Portal
from app.payees import service as payee_service
from app.payees.states import EngagementStatus, PayeeKind
from app.reporting import everyone
from tests.factories import contracts as make_contracts
from tests.factories import organizations, payables, payees, people
from tests.factories import projects as make_projects
from tests.factories.payouts import PLATFORM, Shop
from tests.portals.conftest import Browser
from tests.portals.org.conftest import statements


@pytest.fixture
def acme() -> UUID:
    return organizations.organization("acme")


def test_every_filter_narrows(browser: Browser, place: Shop, acme: UUID, superuser: Any) -> None:
    lone = payees.vendor(acme, "Lone Wolf", currency="USD", country="US")
    creator = payees.vendor(acme, "Amara Okafor", kind=PayeeKind.CREATOR, country="FR")
    with unit_of_work(PLATFORM) as session:
        payee_service.set_status(session, people.admin("z@q.test"), acme, lone, EngagementStatus.SUSPENDED, reason="x")
    superuser.execute("UPDATE organizations SET tax_form_required = true WHERE slug = 'acme'")

    def found(query: str) -> set[str]:
        page = browser.htmx("GET", f"/admin/payees?{query}").text
        return {name for name in ("Lone Wolf", "Amara Okafor", "Vendor 000") if name in page}

    assert found("") == {"Lone Wolf", "Amara Okafor", "Vendor 000"}
    assert found("kind=creator") == {"Amara Okafor"}
    assert found("status=suspended") == {"Lone Wolf"}
    assert found("country=fr") == {"Amara Okafor"}
    assert found("method=there") == {"Vendor 000"} and found("method=none") == {"Lone Wolf", "Amara Okafor"}
    assert found("form=missing") == {"Lone Wolf"} and found("form=signed") == set()
    assert found("organization=acme") == {"Lone Wolf", "Amara Okafor"}
    assert found("organization=acme&status=active&q=amara") == {"Amara Okafor"}
    assert found("country=<b>&status=none&kind=x") == {"Lone Wolf", "Amara Okafor", "Vendor 000"}
    assert str(creator) in browser.get("/admin/creators?organization=acme").text


def test_numbers_come_in_two_statements(browser: Browser, place: Shop, acme: UUID, superuser: Any) -> None:
    superuser.execute(
        """WITH made AS (INSERT INTO payees (id, kind, name, country)
            SELECT uuidv7(), 'creator', 'Creator ' || n, 'US' FROM generate_series(1, 3000) n RETURNING id)
        INSERT INTO engagements (organization_id, payee_id, currency) SELECT %s, id, 'USD' FROM made""",
        [acme],
    )
    superuser.execute("UPDATE organizations SET tax_form_required = true WHERE slug = 'acme'")
    with statements() as sent, unit_of_work(PLATFORM) as session:
        numbers = everyone.numbers(session)
    assert len(sent) == 2
    assert numbers.by_kind[PayeeKind.CREATOR] == 3000 and numbers.methodless == 3000 and numbers.formless == 3000
    page = browser.get("/admin/payees").text
    assert "3,000 creators" in page and "Active this month" in page
    vendors = browser.get("/admin/vendors").text
    assert "Invoices" in vendors and "3,000" not in vendors


def test_contracts_of_everybody(browser: Browser) -> None:
    assert "No contract yet" in browser.get("/admin/creators/contracts").text
    desk, other = make_contracts.desk(), make_contracts.desk("bath", "bo@example.test")
    desk.sent()
    other.draft()
    page = browser.get("/admin/creators/contracts").text
    assert page.count(">Jo Bell</a>") == 2 and "Oxford" in page and "Bath" in page
    assert browser.htmx("GET", "/admin/creators/contracts?status=sent").text.count(">Jo Bell</a>") == 1
    assert browser.htmx("GET", "/admin/creators/contracts?organization=bath&kind=all").text.count(">Jo Bell</a>") == 1
    assert "No contract matches" in browser.get("/admin/creators/contracts?status=voided").text
    assert browser.htmx("GET", "/admin/creators/contracts?status=nonsense").status_code == 200


def test_invoices_are_read_and_decided(browser: Browser, acme: UUID, sign_in: Any) -> None:
    payables.imported(acme, payables.csv("T1,S-1,Lumen Print,198.35,01/08/2017", "T2,S-2,Acorn,40.00,02/08/2017"))
    page = browser.get("/admin/vendors/invoices").text
    assert "Lumen Print" in page and "£198.35" in page and "2 wait for a decision" in page
    assert "Acorn" not in browser.htmx("GET", "/admin/vendors/invoices?q=lumen").text
    path = next(part.split('"')[0] for part in page.split('href="') if part.startswith("/admin/vendors/invoices/"))
    assert "Needs approval" in browser.get(path).text
    more = browser.post(f"{path}/approval", {"amount": "900.00"})
    assert more.status_code == 422 and 'value="900.00"' in more.text
    less = browser.post(f"{path}/approval", {"amount": "10.00"})
    assert less.status_code == 422 and "reason" in less.text.lower()
    assert browser.post(f"{path}/rejection", {"reason": " "}).status_code == 422
    assert browser.post(f"{path}/approval").location == path
    assert "Approved" in browser.get(path).text
    assert browser.post(f"{path}/rejection", {"reason": "Too late"}).status_code == 409
    assert (
        "Lumen" in browser.get("/admin/vendors/invoices?status=approved").text
        or "Acorn" in browser.get("/admin/vendors/invoices?status=approved").text
    )
    vendor = payees.vendor(acme, "Some vendor")
    people.payee(vendor, "own@vendor.test")
    stranger = sign_in(Portal.VENDOR, "own@vendor.test")
    for refused in (path, "/admin/vendors/invoices", "/admin/contractors/projects", "/admin/creators/contracts"):
        assert stranger.get(refused).status_code == 404
    assert stranger.post(f"{path}/approval").status_code == 404


def test_projects_of_everybody(browser: Browser, acme: UUID) -> None:
    tomas = make_projects.contractor(acme)
    make_projects.project(acme, tomas, 500_00, title="Launch page")
    page = browser.get("/admin/contractors/projects").text
    assert "Launch page" in page and "Tomas Rivera" in page and "£500.00" in page and "Acme" in page
    assert "Launch page" in browser.htmx("GET", "/admin/contractors/projects?stage=upcoming&organization=acme").text
    assert "No project matches" in browser.get("/admin/contractors/projects?stage=approved").text
    assert "No project matches" in browser.get("/admin/contractors/projects?state=cancelled").text
