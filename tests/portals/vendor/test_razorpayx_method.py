"""A payee in India: the form has the choice between bank account and UPI address, and says what is wrong beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from app.db.session import unit_of_work
from app.identity.states import Portal
from tests.factories import organizations, payees, people
from tests.factories.payouts import PLATFORM
from tests.fakes.razorpayx import ENVIRONMENT
from tests.portals.conftest import Browser
from tests.stores import environment

NEW = "/vendor/settings/payout-methods/new?rail=razorpayx"


@pytest.fixture(autouse=True)
def _set_up() -> Iterator[None]:
    with environment(**ENVIRONMENT):
        yield


@pytest.fixture
def browser(app: Any, sign_in: Callable[..., Browser]) -> Browser:
    people.payee(payees.vendor(organizations.organization("oxford"), "Asha Prints"), "asha@prints.test")
    return sign_in(Portal.VENDOR, "asha@prints.test")


def test_by_upi(browser: Browser) -> None:
    form = browser.get(NEW).text
    assert 'value="bank_account"' in form and 'value="vpa"' in form and 'data-only="vpa"' in form
    wrong = browser.post(NEW, {"detail_kind": "vpa", "detail_vpa": "amara", "detail_ifsc": "HDFC0000060"})
    assert wrong.status_code == 422 and "asha@okhdfcbank" in wrong.text and 'value="amara"' in wrong.text
    assert "choose “Bank account” above" in wrong.text
    none = browser.post(NEW, {"detail_kind": "", "detail_vpa": "amara@ybl"})
    assert none.status_code == 422
    made = browser.post(NEW, {"detail_kind": "vpa", "detail_vpa": "amara@ybl", "currency": "INR", "default": "y"})
    assert made.status_code == 303
    with unit_of_work(PLATFORM) as session:
        row = session.execute(text("SELECT rail, last4, currency, details_sealed FROM methods")).one()
    assert (row.rail, row.last4, row.currency) == ("razorpayx", "mara", "INR") and "ybl" not in row.details_sealed


def test_it_takes_rupees_only(browser: Browser) -> None:
    answer = browser.post(NEW, {"detail_kind": "vpa", "detail_vpa": "amara@ybl", "currency": "USD"})
    assert answer.status_code == 422


def test_another_portals_session_and_nobody_find_nothing(sign_in: Callable[..., Browser], client: Browser) -> None:
    people.admin("root@quittance.test")
    assert sign_in(Portal.ADMIN, "root@quittance.test").get(NEW).status_code == 404
    assert client.get(NEW).status_code in (302, 303, 401, 404)


def test_not_offered_where_it_is_not_set_up(browser: Browser) -> None:
    with environment(RAZORPAYX_KEY_ID=""):
        page = browser.get(NEW).text
        assert 'value="vpa"' not in page
        assert browser.post(NEW, {"detail_kind": "vpa", "detail_vpa": "amara@ybl"}).status_code != 303
