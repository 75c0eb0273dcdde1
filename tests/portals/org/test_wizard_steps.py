"""Which steps the wizard shows to which kind, and that whoever leaves finds all of it again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.core.clock import at, utc_now
from app.identity.states import Portal
from tests.factories import drafts as making
from tests.factories import people
from tests.portals.conftest import Browser
from tests.portals.org.test_wizard import BILLING, SAID, begun
from tests.stores import environment

SignIn = Callable[[Portal, str], Browser]


@pytest.fixture
def nora(sign_in: SignIn) -> Browser:
    people.account(Portal.ORG, making.OWNER)
    return sign_in(Portal.ORG, making.OWNER)


@pytest.mark.parametrize(
    ("kind", "shown", "hidden"),
    [
        ("BUYER", ["billing"], ["rates"]),
        ("PROVIDER", ["rates"], ["billing"]),
        ("HYBRID", ["billing", "rates"], []),
    ],
)
def test_steps_a_kind_does_not_have_are_hidden_and_not_taken(
    nora: Browser, superuser: Any, kind: str, shown: list[str], hidden: list[str]
) -> None:
    draft = begun(nora)
    after = nora.post(f"{draft}/kind", {"kind": kind}).location
    assert after == f"{draft}/{shown[0]}"
    names = {"billing": "Billing", "rates": "Rates"}
    for step in shown:
        page = nora.get(f"{draft}/{step}")
        assert page.status_code == 200
        assert all(f">{names[one]}<" in page.text for one in shown), kind
        assert not any(f">{names[one]}<" in page.text for one in hidden), kind
    for step in hidden:
        assert nora.get(f"{draft}/{step}").status_code == 404
        given = BILLING if step == "billing" else {"organization_bps": "10", "consultant_bps": "80"}
        assert nora.post(f"{draft}/{step}", given).status_code == 404
    assert superuser.execute("SELECT steps FROM organization_drafts").fetchone() == (["identity", "kind"],)


def test_left_in_the_middle_and_resumed_with_all_that_was_said(nora: Browser, sign_in: SignIn) -> None:
    draft = begun(nora)
    nora.post(f"{draft}/kind", {"kind": "HYBRID"})
    nora.post(f"{draft}/billing", BILLING)
    nora.post("/org/signout")
    assert nora.get(f"{draft}/rates").status_code in (302, 303)
    with at(utc_now() + timedelta(hours=20)):
        again = sign_in(Portal.ORG, making.OWNER)
        assert again.get(f"{draft}/").location == f"{draft}/rates"
        identity = again.get(f"{draft}/identity").text
        assert all(f'value="{SAID[name]}"' in identity for name in ("name", "slug", "legal_name", "street", "city"))
        billing = again.get(f"{draft}/billing").text
        assert 'value="ap@northgate.test"' in billing and 'value="PO 7"' in billing
        review = again.get(f"{draft}/review").text
        assert "United Kingdom" in review and "Before you can launch" in review


@pytest.mark.parametrize(
    ("organization", "consultant", "sentence"),
    [
        ("10", "85", "The three add up to 105 %, not to 100 %."),
        ("10", "79.99", "The three add up to 99.99 %, not to 100 %."),
        ("0.001", "89.999", "with two decimals at most"),
        ("-5", "95", "between 0 and 100"),
        ("", "90", "Give a percentage."),
    ],
)
def test_rates_are_the_whole_to_the_hundredth(
    nora: Browser, superuser: Any, organization: str, consultant: str, sentence: str
) -> None:
    draft = begun(nora)
    nora.post(f"{draft}/kind", {"kind": "PROVIDER"})
    given = {"organization_bps": organization, "consultant_bps": consultant}
    refused = nora.post(f"{draft}/rates", given)
    assert refused.status_code == 422 and sentence in refused.text and f'value="{consultant}"' in refused.text
    assert superuser.execute("SELECT organization_bps FROM organization_drafts").fetchone() == (None,)
    good = {"organization_bps": "0.01", "consultant_bps": "89.99"}
    assert nora.post(f"{draft}/rates", good).status_code == 303
    assert superuser.execute("SELECT organization_bps FROM organization_drafts").fetchone() == (1,)


def test_faults_are_listed_as_on_the_page_and_an_address_is_named(nora: Browser) -> None:
    text = nora.post("/org/new/", {"currency": "GBP", "time_zone": "UTC"}).text
    order = ["Give a name.", "Choose a short name.", "Give the name invoices are made out to.", "Choose a country."]
    found = [text.index(sentence) for sentence in order]
    assert found == sorted(found)
    draft = begun(nora)
    nora.post(f"{draft}/kind", {"kind": "BUYER"})
    refused = nora.post(f"{draft}/team", {"managers": "mia@northgate.test, nobody"})
    assert refused.status_code == 422 and "“nobody” is no e-mail address." in refused.text
    assert 'id="managers-error"' in refused.text or "managers-e" in refused.text


def test_a_kind_that_was_switched_off_meanwhile_is_told_at_the_launch(nora: Browser, superuser: Any) -> None:
    draft = begun(nora)
    nora.post(f"{draft}/kind", {"kind": "PROVIDER"})
    nora.post(f"{draft}/rates", {"organization_bps": "10", "consultant_bps": "80"})
    with environment(ENABLE_PROVIDER_ORGS="false"):
        refused = nora.post(f"{draft}/review")
        assert refused.status_code == 501 and "switched off here" in refused.text and "Launch Northgate" in refused.text
    assert superuser.execute("SELECT status FROM organizations").fetchone() == ("DRAFT",)
    assert nora.post(f"{draft}/review").status_code == 303
