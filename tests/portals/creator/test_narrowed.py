"""One brand chosen: every list shows that brand's rows alone, also when searched; figures that do not mix brands."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.contracts import service as filing
from app.contracts.service import FiledForm
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.files import service as file_service
from app.files.models import FilePurpose
from app.files.sniffing import inspect
from app.identity.states import Portal
from app.messages import service as messages
from app.payees import service as payees
from app.payees.models import Payee
from app.sales import codes
from tests.factories import deliverables, organizations, people, sales
from tests.factories.contracts import WITNESS
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
LISTS = ("", "payments", "messages", "contracts", "files", "payments/statements", "deliverables")


@pytest.fixture
def alder(app: Any) -> UUID:
    return organizations.organization("alder", currency="USD")


@pytest.fixture
def pelican(alder: UUID, amara: Payee) -> UUID:
    brand = organizations.organization("pelican", currency="USD")
    with unit_of_work(PLATFORM) as session:
        payees.engage(session, operator(), brand, amara.id, currency="USD", commission_bps=1000)
    sales.code(brand, amara.id, "AMARACUP")
    return brand


@pytest.fixture
def amara(alder: UUID) -> Payee:
    made = sales.creator(alder)
    sales.code(alder, made.id, landing_url="https://alder.example.com/winter")
    return made


@pytest.fixture
def actor(amara: Payee) -> Actor:
    return people.payee(amara.id, "amara@creator.test", Portal.CREATOR)


@pytest.fixture
def browser(actor: Actor, sign_in: SignIn) -> Browser:
    return sign_in(Portal.CREATOR, "amara@creator.test")


def told(brand: UUID, actor: Actor, subject: str) -> None:
    assert actor.payee_id is not None
    with unit_of_work(Scope.payee(actor.payee_id)) as session:
        messages.start(session, actor, brand, actor.payee_id, subject=subject, body="Hello there")


def on_file(brand: UUID, actor: Actor, title: str) -> None:
    assert actor.payee_id is not None
    form = FiledForm(title, date(2026, 3, 2), None, "https://papers.example.com/signed.pdf")
    with unit_of_work(Scope.payee(actor.payee_id)) as session:
        filing.file(session, actor, brand, actor.payee_id, form, WITNESS)


def uploaded(brand: UUID, actor: Actor, name: str) -> None:
    assert actor.payee_id is not None
    with unit_of_work(Scope.payee(actor.payee_id)) as session:
        file_service.add(
            session, actor, inspect(b"%PDF-1.7 proof", name), f"test/{name}", organization_id=brand,
            payee_id=actor.payee_id, purpose=FilePurpose.ATTACHMENT,
        )  # fmt: skip


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_every_list_shows_the_chosen_brand_alone(alder: UUID, pelican: UUID, actor: Actor, browser: Browser) -> None:
    for brand, name in ((alder, "alder"), (pelican, "pelican")):
        told(brand, actor, f"Question about {name}")
        on_file(brand, actor, f"Terms of {name}")
        uploaded(brand, actor, f"{name}.pdf")
        deliverables.deliverable(brand, actor, title=f"Reel for {name}")
    sales.recorded(alder, sales.order("1", 100_00))
    sales.recorded(pelican, sales.order("2", 50_00, "amaracup"))
    for path in LISTS:
        chosen = browser.get(f"/creator/{path}?organization=pelican")
        page = chosen.text.split("<main", 1)[1].split("</main>")[0]
        page = re.sub(r"<select.*?</select>", "", page, flags=re.DOTALL)  # where another brand can be chosen
        assert chosen.status_code == 200 and "pelican" in page.lower(), path
        assert "alder" not in page.lower() and "AMARA15" not in page, path
        assert browser.get(f"/creator/{path}?organization=nobody").status_code == 404
    assert "Question about alder" in browser.get("/creator/messages").text
    assert "Terms of alder" in browser.get("/creator/contracts").text


def test_a_search_stays_with_the_brand(alder: UUID, pelican: UUID, actor: Actor, browser: Browser) -> None:
    told(alder, actor, "Winter code alder")
    told(pelican, actor, "Winter code pelican")
    for path in ("messages", "files"):
        page = browser.get(f"/creator/{path}?organization=pelican").text
        assert '<input type="hidden" name="organization" value="pelican">' in page
        assert 'name="organization"' not in browser.get(f"/creator/{path}").text
    found = browser.get("/creator/messages?organization=pelican&q=winter").text
    assert "Winter code pelican" in found and "Winter code alder" not in found
    assert "/creator/messages/new?organization=pelican" in found


def test_who_is_not_engaged_cannot_choose(alder: UUID, actor: Actor, browser: Browser) -> None:
    other = organizations.organization("stranger", currency="USD")
    somebody = sales.creator(other, "Bo Lind", email="bo@creator.test")
    sales.code(other, somebody.id, "BO10")
    for path in LISTS:
        assert browser.get(f"/creator/{path}?organization=stranger").status_code == 404, path
    assert browser.get("/creator/brands/stranger").status_code == 404


def test_conversion_counts_orders_of_every_currency(alder: UUID, actor: Actor, browser: Browser) -> None:
    with unit_of_work(PLATFORM) as session:
        (token,) = session.execute(text("SELECT token FROM discount_codes")).one()
    for _ in range(10):
        with unit_of_work(Scope.public()) as session:
            codes.follow(session, token, counts=True)
    sales.recorded(alder, sales.order("1"), sales.order("2", currency="CAD"), sales.order("3", currency="CAD"))
    page = words(browser.get("/creator/?currency=USD").text)
    assert re.search(r"\b10 3 30% \$100\.00", page) and "Orders from your codes 1 " in page


def test_an_orders_commission_and_when_it_is_released(alder: UUID, actor: Actor, browser: Browser) -> None:
    sales.recorded(alder, sales.order("1", 100_00), sales.order("2", 40_00, days_ago=20))
    sales.changed(alder, sales.refund(lines=40_00, order_id="1"))
    on_file(alder, actor, "Winter terms")
    answer = browser.get("/creator/brands/alder")
    page = words(answer.text)
    assert "Partly refunded" in page and "Held to" in page and "$9.00 USD" in page  # 15 of 60 dollars
    assert "Available" in page and "$6.00 USD" in page
    assert "Winter terms" in page and "/creator/messages?organization=alder" in answer.text
    line = re.findall(r"/creator/payments/lines/earning/[0-9a-f-]{36}", answer.text)[0]
    assert browser.get(line).status_code == 200
