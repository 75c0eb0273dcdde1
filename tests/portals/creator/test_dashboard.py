"""The creator's dashboard and brands: figures of each brand, codes, one currency at a time, and who is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, text

from app.core import clock
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.deliverables.states import DeliverableStatus
from app.identity.states import Portal
from app.payees import service as payees
from app.payees.models import Payee
from app.reporting import creator
from app.reporting.creator import Span
from app.sales import codes
from tests.factories import deliverables, methods, organizations, people, sales
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]


@pytest.fixture
def alder(app: Any) -> UUID:
    return organizations.organization("alder", currency="USD")


@pytest.fixture
def amara(alder: UUID) -> Payee:
    made = sales.creator(alder)
    sales.code(alder, made.id, landing_url="https://alder.example.com/winter")
    people.payee(made.id, "amara@creator.test", Portal.CREATOR)
    return made


@pytest.fixture
def browser(amara: Payee, sign_in: SignIn) -> Browser:
    return sign_in(Portal.CREATOR, "amara@creator.test")


def engage(payee_id: UUID, slug: str, code: str, currency: str = "USD", bps: int = 1000) -> UUID:
    brand = organizations.organization(slug, currency=currency)
    with unit_of_work(PLATFORM) as session:
        payees.engage(session, operator(), brand, payee_id, currency=currency, commission_bps=bps)
    sales.code(brand, payee_id, code)
    return brand


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@contextmanager
def statements() -> Iterator[list[str]]:
    found: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield found
    event.remove(Engine, "before_cursor_execute", note)


def test_the_start_is_the_dashboard(browser: Browser) -> None:
    page = browser.get("/creator/")
    assert page.status_code == 200
    assert "Nothing earned in this time" in page.text and "AMARA15" in page.text and "Alder" in page.text


def test_who_has_no_payout_method_is_told_where_to_add_one(amara: Payee, browser: Browser) -> None:
    page = browser.get("/creator/").text
    assert "Say where you want to be paid" in page and 'href="/creator/settings/payout-methods/new"' in page
    methods.simulated(amara.id)
    assert "Say where you want to be paid" not in browser.get("/creator/").text


def test_figures_of_each_brand(alder: UUID, amara: Payee, browser: Browser) -> None:
    pelican = engage(amara.id, "pelican", "AMARACUP")
    sales.recorded(alder, sales.order("1", 100_00), sales.order("2", 40_00, days_ago=20))
    sales.recorded(pelican, sales.order("1", 50_00, "amaracup"))
    page = text_of(browser.get("/creator/?span=year").text)
    assert "Available to withdraw $6 .00 Across 2 brands" in page
    assert "Clearing $20 .00" in page and "Orders from your codes 3 Average order $63.33" in page
    assert re.search(r"Alder\s+AMARA15.*?15%\s+\$\d+\.00\s+\$15\.00\s+\$6\.00", page)
    assert re.search(r"Pelican\s+AMARACUP.*?10%\s+\$5\.00\s+\$5\.00\s+\$0\.00", page)
    assert "View as table" in page and "$26 .00 Year" in page


def test_one_brand_by_the_switch(alder: UUID, amara: Payee, browser: Browser) -> None:
    pelican = engage(amara.id, "pelican", "AMARACUP")
    sales.recorded(alder, sales.order("1", 100_00))
    sales.recorded(pelican, sales.order("1", 50_00, "amaracup"))
    page = browser.get("/creator/?organization=pelican").text
    assert "Clearing $5 .00" in text_of(page) and "AMARA15" not in page and 'href="/creator/brands/alder' not in page
    assert 'href="/creator/payments?organization=pelican"' in page  # the choice goes along
    assert 'href="/creator/?organization=alder"' in page and "All brands" in page
    payments = browser.get("/creator/payments?organization=pelican").text
    assert "order #1 with amaracup" in payments and "AMARA15" not in payments
    for path in ("messages", "contracts", "files", "payments/statements"):
        assert browser.get(f"/creator/{path}?organization=pelican").status_code == 200
        assert browser.get(f"/creator/{path}?organization=nobody").status_code == 404
    organizations.organization("stranger")
    assert browser.get("/creator/?organization=stranger").status_code == 404


def test_currencies_are_never_added(alder: UUID, amara: Payee, browser: Browser) -> None:
    london = engage(amara.id, "london", "TEA", "GBP")
    sales.recorded(alder, sales.order("1", 100_00))
    sales.recorded(london, sales.order("1", 70_00, "tea", currency="GBP"))
    dollars, pounds = (text_of(browser.get(f"/creator/?currency={code}").text) for code in ("USD", "GBP"))
    assert "Clearing $15 .00" in dollars and "£" not in dollars
    assert "Clearing £7 .00" in pounds and "$" not in pounds
    assert browser.get("/creator/?currency=nonsense").status_code == 200
    for path in ("/creator/brands/london?currency=USD", "/creator/?organization=london&currency=USD"):
        page = browser.get(path).text  # this brand pays in pounds alone
        assert "£7" in text_of(page) and "$" not in text_of(page) and 'aria-label="Currency"' not in page


def test_conversion_is_orders_by_visits(alder: UUID, amara: Payee, browser: Browser) -> None:
    with unit_of_work(PLATFORM) as session:
        (token,) = session.execute(text("SELECT token FROM discount_codes")).one()
    for _ in range(8):
        with unit_of_work(Scope.public()) as session:
            assert codes.follow(session, token, counts=True) == "https://alder.example.com/winter"
    sales.recorded(alder, sales.order("1"), sales.order("2"))
    for path in ("/creator/", "/creator/brands/alder"):
        page = text_of(browser.get(path).text)
        assert f"/go/{token}" in page and re.search(r"\b8\b", page) and "25%" in page


def test_a_brand_and_its_orders(alder: UUID, amara: Payee, browser: Browser) -> None:
    sales.recorded(alder, *[sales.order(str(n), 10_00 + n, days_ago=n % 20) for n in range(30)])
    sales.changed(alder, sales.refund(lines=10_00, order_id="0"))
    first = browser.get("/creator/brands/alder")
    assert first.status_code == 200 and first.text.count('id="order-') == 25 and "Refunded" in first.text
    older = re.search(r'href="(/creator/brands/alder\?cursor=[^"]+)"', first.text)
    assert older and browser.get(older[1].replace("&amp;", "&")).text.count('id="order-') == 5


def test_a_day_on_which_nothing_is_left_is_no_release(alder: UUID, browser: Browser) -> None:
    sales.recorded(alder, sales.order("1", 80_00, days_ago=10), sales.order("2", 40_00, days_ago=5))
    sales.changed(alder, sales.refund(lines=80_00, order_id="1"))
    for path in ("/creator/", "/creator/brands/alder"):
        page = text_of(browser.get(path).text)
        assert "$6.00 ready" in page and "$0.00 ready" not in page
    on = clock.utc_now() + timedelta(days=9)  # 14 after the order of which something is left
    assert f"first ready {on:%a}, {on:%b} {on.day}" in text_of(browser.get("/creator/payments").text)


def test_the_reason_of_a_suspension_is_told(alder: UUID, amara: Payee, browser: Browser) -> None:
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE engagements SET status = 'suspended', status_reason = 'Late posts'"))
    for path in ("/creator/", "/creator/brands/alder"):
        assert "Late posts" in browser.get(path).text


def test_as_many_statements_for_twelve_brands_as_for_one(amara: Payee, browser: Browser) -> None:
    with statements() as one:
        browser.get("/creator/")
    for number in range(11):
        brand = engage(amara.id, f"brand{number}", f"CODE{number}")
        sales.recorded(brand, sales.order("1", 10_00, f"code{number}"))
    with statements() as many:
        page = browser.get("/creator/")
    assert page.text.count('href="/creator/brands/') == 12 and "Others" in page.text
    assert len(many) <= len(one) + 1


def test_what_is_to_make_stands_there(alder: UUID, amara: Payee, browser: Browser) -> None:
    assert "Nothing to make" in browser.get("/creator/").text
    for status in (DeliverableStatus.ASSIGNED, DeliverableStatus.REVISION_REQUESTED, DeliverableStatus.SUBMITTED):
        deliverables.deliverable(
            alder, Actor("Amara", "payee", payee_id=amara.id), title=f"Reel {status}", status=status
        )
    page = text_of(browser.get("/creator/").text)
    assert page.index("Reel revision_requested") < page.index("Reel assigned") < page.index("Reel submitted")
    assert "Revise" in page and "In review" in page


def test_who_is_refused(alder: UUID, amara: Payee, client: Browser, sign_in: SignIn) -> None:
    assert client.get("/creator/").location.startswith("/creator/signin")
    other = sales.creator(alder, "Bo Lind", email="bo@creator.test")
    people.payee(other.id, "bo@creator.test", Portal.CREATOR)
    sales.recorded(alder, sales.order("1", 123_45))
    page = sign_in(Portal.CREATOR, "bo@creator.test").get("/creator/brands/alder").text
    assert "#1" not in text_of(page) and "AMARA15" not in page and "18.52" not in page
    assert sign_in(Portal.CREATOR, "bo@creator.test").get("/creator/brands/nobody").status_code == 404


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2026, 3, 31), date(2028, 2, 29), date(2026, 11, 22)])
@pytest.mark.parametrize("span", list(Span))
def test_buckets_end_with_today(today: date, span: Span) -> None:
    steps = creator.buckets(span, today)
    assert len(steps) == {Span.FOUR_WEEKS: 4, Span.TWELVE_WEEKS: 12, Span.YEAR: 12}[span]
    assert steps == sorted(set(steps)) and steps[-1] <= today
    if span is Span.YEAR:
        assert all(day.day == 1 for day in steps) and (steps[-1].year, steps[-1].month) == (today.year, today.month)
    else:
        assert all(day.weekday() == 0 for day in steps) and today - steps[-1] < timedelta(days=7)
