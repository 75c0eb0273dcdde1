"""Who the platform is on its invoices is written by admins who proved who they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.billing import parties
from app.core import clock
from app.core.errors import Conflict
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations.states import Role
from tests.factories import consultations, people
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
PAGE = "/admin/billing/issuer"
SAID = {
    "legal_name": "Quittance Private Limited", "country": "IN", "region": "Karnataka", "tax_id": "29AAACA1234A1ZG",
    "city": "Bengaluru", "email": "billing@quittance.test", "prefix": "qt", "service_code": "998311",
    "service_rate": "18", "undertaking": "y", "bank_name": "HDFC Bank", "bank_code": "HDFC0000123",
    "bank_account": "5010 0123 4567",
}  # fmt: skip


@pytest.fixture
def admin(app: Any, sign_in: SignIn) -> Browser:
    people.account(Portal.ADMIN, "ada@quittance.test")
    return sign_in(Portal.ADMIN, "ada@quittance.test")


def test_nothing_is_issued_before_it_is_written(admin: Browser) -> None:
    assert admin.get(PAGE).status_code == 404
    consultations.house()
    assert "No invoice can be issued yet" in admin.get(PAGE).text
    with unit_of_work(PLATFORM) as session, pytest.raises(Conflict):
        parties.issuer(session)
    assert admin.post(PAGE, SAID).status_code == 303
    with unit_of_work(PLATFORM) as session:
        found = parties.issuer(session)
    assert (found.prefix, found.service_rate_bps, found.seller.region, found.seller.undertaking) == (
        "QT", 1_800, "29", True,
    )  # fmt: skip
    assert found.bank and found.bank.account == "501001234567"
    shown = admin.get(PAGE).text
    assert "No invoice can be issued yet" not in shown and 'value="18"' in shown and "Karnataka" in shown


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"prefix": "toolong"}, "prefix"),
        ({"prefix": "Q-1"}, "capital letters or digits"),
        ({"service_rate": "a lot"}, "Write a percentage"),
        ({"service_code": "12"}, "begins with 99"),
        ({"tax_id": "29AAACA1234A1ZZ"}, "typing error"),
    ],
)
def test_wrong_input_comes_back(admin: Browser, superuser: Any, other: dict[str, str], said: str) -> None:
    consultations.house()
    answer = admin.post(PAGE, {**SAID, **other})
    assert answer.status_code == 422 and said in answer.text and "Bengaluru" in answer.text
    assert superuser.execute("SELECT count(*) FROM billing_profiles").fetchone() == (0,)


def test_it_says_where_money_is_sent_so_a_fresh_proof_is_asked_for(admin: Browser) -> None:
    consultations.house()
    with clock.at(clock.utc_now() + timedelta(hours=9)):
        answer = admin.get(PAGE)
        assert answer.status_code == 303 and answer.location.startswith("/admin/step-up")


def test_people_of_organizations_find_nothing(sign_in: SignIn, app: Any) -> None:
    people.member(consultations.house(), Role.OWNER, "hana@house.test")
    hana = sign_in(Portal.ORG, "hana@house.test")
    assert hana.get(PAGE).status_code == 404
    assert hana.post(PAGE, SAID).status_code == 404
