"""What money out sends to Stripe is what its specification allows, call by call: Prism refuses everything else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.core.clock import utc_now
from app.core.money import Money
from app.core.stripe_wire import VERSION
from app.rails import stripe_accounts
from app.rails.base import Outcome, RailUnavailable, SendOrder
from app.rails.http import Reply
from app.rails.stripe_accounts import NewAccount
from app.rails.stripe_api import Refused, _read
from app.rails.stripe_connect import StripeConnect
from tests.fakes import prism
from tests.fakes.stripe import KEY, SPEC
from tests.rails.test_stripe_codes import BLAME, CODES

ACCOUNT = "acct_1PgafTB7WZ01zgkW"
ONCE = "once"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    prism.needed(SPEC)
    with prism.serving(SPEC, tmp_path_factory.mktemp("prism") / "log") as found:
        yield found


@pytest.fixture
def rail(url: str, monkeypatch: pytest.MonkeyPatch) -> StripeConnect:
    made = StripeConnect(url, key=KEY)
    monkeypatch.setattr(stripe_accounts, "rail", lambda: made)
    monkeypatch.setattr(stripe_accounts, "client_id", lambda: "ca_1")
    return made


def order(currency: str = "USD") -> SendOrder:
    payout = uuid4()
    return SendOrder(
        f"{payout.hex}-a1", payout, Money(12_345, currency), "N", {"account": ACCOUNT}, "Ashby PO-000123"
    )  # fmt: skip


SENT: dict[str, Callable[[StripeConnect], Any]] = {
    "transfer": lambda rail: rail.send([order()]),
    "transfer in kroner": lambda rail: rail.send([order("NOK")]),
    "retrieve": lambda rail: rail.find("k-a1", "tr_1"),
    "list": lambda rail: rail.find("k-a1"),
    "what we hold": lambda rail: rail.balances(),
    "what moved": lambda rail: rail.activity(utc_now()),
    "reverse": lambda rail: rail.take_back("k-a1", "tr_1"),
}
ASKED: dict[str, Callable[[], Any]] = {
    "account of a person": lambda: stripe_accounts.create(NewAccount("p", "US", "ann@example.test", False)),
    "account of a company abroad": lambda: stripe_accounts.create(NewAccount("p", "FR", "", True)),
    "how it stands": lambda: stripe_accounts.read(ACCOUNT),
    "what reached its bank": lambda: stripe_accounts.payouts(ACCOUNT, utc_now()),
    "set-up link": lambda: stripe_accounts.onboarding(ACCOUNT, ONCE, "https://q.test/back", "https://q.test/again"),
    "dashboard": lambda: stripe_accounts.dashboard(ACCOUNT, ONCE),
    "consent": lambda: stripe_accounts.connect("ac_123456789"),
    "let go": lambda: stripe_accounts.let_go(ACCOUNT),
}


@pytest.mark.parametrize("name", SENT)
def test_each_call_about_transfers(rail: StripeConnect, name: str) -> None:
    SENT[name](rail)


def test_a_transfer_is_paid(rail: StripeConnect) -> None:
    (made,) = rail.send([order()])
    assert made.outcome is Outcome.PAID and made.reference.startswith("tr_")


@pytest.mark.parametrize("name", ASKED)
def test_each_call_about_accounts(rail: StripeConnect, name: str) -> None:
    ASKED[name]()


@pytest.mark.parametrize("form", [{"currency": "usd"}, {"amount": "much", "currency": "usd", "destination": ACCOUNT}])
def test_it_refuses_what_the_specification_does_not_allow(url: str, form: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Stripe-Version": VERSION}
    answer = httpx.post(f"{url}/v1/transfers", data=form, headers=headers, trust_env=False)
    assert answer.status_code == 400 and answer.headers["sl-violations"]


def _errors() -> list[tuple[str, int, dict[str, Any]]]:
    if not SPEC.exists():
        return []
    found = json.loads(SPEC.read_text())["components"]["responses"]
    return [
        (f"{name} {example}", int(name[1:]), body["value"])
        for name, response in found.items()
        if name[:1] == "E" and name[1:].isdigit()
        for example, body in response["content"]["application/json"].get("examples", {}).items()
    ]


@pytest.mark.parametrize(("name", "status", "body"), _errors(), ids=[one[0] for one in _errors()])
def test_the_errors_of_the_specification_land_in_their_class(name: str, status: int, body: dict[str, Any]) -> None:
    if status >= 500:
        return  # no answer at all, says the client below
    code = body["error"].get("code", "")
    wished = CODES["http"].get(str(status)) or CODES["request_codes"].get(code)
    with pytest.raises((Refused, RailUnavailable)) as raised:
        _read(Reply(status, body, {}))
    if wished == "retry" or body["error"].get("type") == "idempotency_error":
        assert isinstance(raised.value, RailUnavailable)
    elif wished in BLAME:
        assert isinstance(raised.value, Refused) and raised.value.reason.blame is BLAME[wished], name
