"""The books of an organization name everything that is posted, clients' money too."""

from __future__ import annotations

from app.consultations.models import Consultation
from app.ledger import recipes
from app.ledger.recipes import Account, Recipe
from portals.admin.ledger import ACCOUNTS, KINDS
from tests.factories import client_money
from tests.portals.conftest import Browser


def test_everything_posted_has_its_words() -> None:
    assert set(KINDS) == {one.kind for one in vars(recipes).values() if isinstance(one, Recipe)}
    assert set(ACCOUNTS) == set(Account)


def test_the_page_shows_clients_money(browser: Browser, held: Consultation) -> None:
    client_money.returned(client_money.asked_back(held.id, 25_00))
    page = browser.get("/admin/ledger?organization=fernhill")
    assert page.status_code == 200
    for told in ("Paid by a client", "Platform’s part given back", "Platform revenue", "$25.00"):
        assert told in page.text, told
    assert "Paid by a client" in browser.get("/admin/ledger?organization=fernhill&kind=charge_succeeded").text
