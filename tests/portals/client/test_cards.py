"""Paying by a real card: asked for when the time is kept, waited for, confirmed in the browser, told in every state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.charges.client_models import Charge
from app.charges.states import ChargeStatus
from app.consultations import client_queries
from app.consultations.states import ConsultationStatus as S
from app.db.session import unit_of_work
from app.gateways.cards import Unanswered
from app.identity.states import Portal
from jobs import clients as money_jobs
from tests.factories import people
from tests.factories.people import PLATFORM
from tests.fakes.stripe import KEY, StripePeer
from tests.portals.client.test_pages import SignIn, _book, _status
from tests.portals.conftest import Browser
from tests.stores import environment

PUBLIC = "pk_test_" + "fake"
SCRIPT = "https://js.stripe.com/v3/"


@pytest.fixture
def stripe(app: Any) -> Iterator[StripePeer]:
    made = StripePeer()
    with environment(STRIPE_SECRET_KEY=KEY, STRIPE_PUBLISHABLE_KEY=PUBLIC, STRIPE_URL=made.url):
        yield made
    made.close()


def charge(made: UUID) -> Charge:
    with unit_of_work(PLATFORM) as session:
        found = client_queries.charge_of(session, made)
    assert found is not None
    return found


def pay(made: UUID) -> str:
    return f"/client/consultations/{made}/pay"


def test_from_keeping_the_time_to_paid(stripe: StripePeer, noor: Browser) -> None:
    made = _book(noor)
    waiting = noor.get(pay(made))
    assert "being prepared" in waiting.text and 'hx-trigger="every 2s"' in waiting.text
    assert "js.stripe.com" in waiting.headers["Content-Security-Policy"] and SCRIPT in waiting.text
    asked = noor.get(pay(made), headers={"HX-Request": "true", "HX-Request-Type": "partial"})
    assert "<html" not in asked.text and 'id="card"' in asked.text
    money_jobs.ask(str(charge(made).id))
    shown = noor.get(pay(made))
    assert f'data-stripe-key="{PUBLIC}"' in shown.text and 'data-secret="pi_secret"' in shown.text
    assert f'data-back="/client/consultations/{made}"' in shown.text and KEY not in shown.text
    here = f"/client/consultations/{made}"
    assert "Your time is kept" in noor.get(here).text  # nobody has confirmed it yet
    for word, says in (("processing", "being charged"), ("succeeded", "being charged"), ("failed", "was refused")):
        assert says in noor.get(f"{here}?redirect_status={word}").text
    assert "Your time is kept" in noor.get(f"{here}?redirect_status=<script>").text
    assert (
        _status(made) is S.PENDING and charge(made).status is ChargeStatus.PENDING
    )  # a word in an address pays nothing
    stripe.pays("pi_1")
    money_jobs.ask(str(charge(made).id))
    money_jobs.confirm(str(made))
    assert _status(made) is S.BOOKED and noor.get(pay(made)).status_code == 303
    assert "being charged" not in noor.get(f"{here}?redirect_status=succeeded").text
    assert "js.stripe.com" not in noor.get(here).headers["Content-Security-Policy"]


def test_an_answer_that_was_lost_and_a_card_that_was_refused(stripe: StripePeer, noor: Browser) -> None:
    made = _book(noor)
    stripe.fail_next = (503, {"code": "lock_timeout"})
    with pytest.raises(Unanswered):
        money_jobs.ask(str(charge(made).id))
    assert "has not answered yet" in noor.get(pay(made)).text
    money_jobs.ask(str(charge(made).id))
    stripe.intents["pi_1"]["last_payment_error"] = {"message": "Your card has insufficient funds."}
    money_jobs.ask(str(charge(made).id))
    assert "Your card has insufficient funds." in noor.get(pay(made)).text


def test_a_charge_that_failed_is_begun_again(stripe: StripePeer, noor: Browser) -> None:
    made = _book(noor)
    stripe.fail_next = (402, {"type": "card_error", "code": "card_declined", "message": "Your card was declined."})
    money_jobs.ask(str(charge(made).id))
    shown = noor.get(pay(made))
    assert "Your card was declined." in shown.text and "Continue to the card" in shown.text
    assert noor.post(pay(made), {}).location == pay(made)
    assert charge(made).status is ChargeStatus.PENDING and "being prepared" in noor.get(pay(made)).text


def test_what_is_missing_is_named(stripe: StripePeer, noor: Browser) -> None:
    made = _book(noor)
    with environment(STRIPE_PUBLISHABLE_KEY="pk_live_other"):
        shown = noor.get(pay(made))
        assert "has to set STRIPE_PUBLISHABLE_KEY." in shown.text and "js.stripe.com" not in shown.text
        assert "js.stripe.com" not in shown.headers["Content-Security-Policy"]
    with environment(QUITTANCE_MODE="live", STRIPE_SECRET_KEY="", STRIPE_PUBLISHABLE_KEY=""):
        with unit_of_work(PLATFORM) as session:
            session.execute(text("DELETE FROM charges"))
        assert "STRIPE_SECRET_KEY and STRIPE_PUBLISHABLE_KEY" in noor.get(pay(made)).text
        assert noor.post(pay(made), {}).status_code == 409


def test_who_is_refused(stripe: StripePeer, noor: Browser, sign_in: SignIn) -> None:
    made = _book(noor)
    people.account(Portal.CLIENT, "omar@client.test")
    other = sign_in(Portal.CLIENT, "omar@client.test")
    assert other.get(pay(made)).status_code == 404 and other.post(pay(made), {}).status_code == 404
