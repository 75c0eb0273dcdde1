"""The card form in a browser, with the provider's script from loopback: what it is called with, and where it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask

from app.charges.states import ChargeProvider
from app.consultations import booking, hours, money, offerings
from app.consultations.states import Practice
from app.core.clock import utc_now
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from jobs import clients
from tests.app.consultations import making
from tests.browser.conftest import Serve, Visit
from tests.browser.test_components import Axe
from tests.factories import consultations
from tests.factories.people import PLATFORM
from tests.fakes.card_script import CardScript
from tests.fakes.stripe import KEY, StripePeer
from tests.portals.conftest import _application, app  # noqa: F401 - fixtures
from tests.stores import environment

PICTURES = os.environ.get("PICTURES")  # a folder to look at the pages
PUBLIC = "pk_test_" + "fake"


@pytest.fixture
def script() -> Iterator[CardScript]:
    made = CardScript()
    yield made
    made.close()


@pytest.fixture
def stripe(app: Flask, script: CardScript) -> Iterator[StripePeer]:  # noqa: F811
    made = StripePeer()
    with environment(
        STRIPE_SECRET_KEY=KEY, STRIPE_PUBLISHABLE_KEY=PUBLIC, STRIPE_URL=made.url, STRIPE_JS_URL=f"{script.url}/v3/"
    ):
        yield made
    made.close()


@pytest.fixture
def kept(stripe: StripePeer) -> tuple[UUID, UUID]:
    """A consultation whose time is kept, and its charge; the provider has not been asked yet."""
    payee_id, noor = consultations.consultant(practice=Practice.ADVISOR), making.client("noor@client.test")
    assert noor.account_id is not None
    with unit_of_work(Scope.payee(payee_id)) as session:
        hours.set_week(session, making.actor_of(payee_id), payee_id, {n: [(0, 1440)] for n in range(7)}, "UTC")
    with unit_of_work(Scope.client(noor.account_id)) as session:
        now = utc_now()
        starts = hours.free(session, payee_id, 30, earliest=now + timedelta(days=3), latest=now + timedelta(days=4))
        wanted = next(one.id for one in offerings.sessions(session) if one.duration_minutes == 30)
        made = booking.book(
            session, noor, payee_id=payee_id, offering_id=wanted, starts_at=starts[0], client_time_zone="UTC",
            locale="en_US",
        )  # fmt: skip
        return made.id, money.charge(session, SYSTEM, made, ChargeProvider.STRIPE).id


def test_paying(
    app: Flask, stripe: StripePeer, script: CardScript, kept: tuple[UUID, UUID], serve: Serve, visit: Visit,  # noqa: F811
    axe: Axe,
) -> None:  # fmt: skip
    base, (made, charge_id) = serve(app), kept
    with unit_of_work(PLATFORM) as session:
        link = identity.issue_link(session, Portal.CLIENT, "noor@client.test")
    assert link is not None
    page = visit(f"{base}/client/signin/{link.token}")
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/signin" not in url)
    page.goto(f"{base}/client/consultations/{made}/pay")
    page.wait_for_selector("text=being prepared")
    clients.ask(str(charge_id))
    page.wait_for_selector("input[aria-label=Card]")  # by itself: the page looks every two seconds
    if PICTURES:
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=f"{PICTURES}/card-{width}.png", full_page=True)
    assert axe(page) == []
    script.answer = {"error": {"message": "Your card was declined."}}
    page.click("#pay-form button[type=submit]")
    page.wait_for_selector("text=Your card was declined.")
    script.answer = {}
    page.click("#pay-form button[type=submit]")
    page.wait_for_selector("text=Your card is being charged.")
    assert page.url == f"{base}/client/consultations/{made}?payment_intent=pi_1&redirect_status=succeeded"
    called = {call[0]: call[1:] for call in script.calls[-1]}
    assert called["Stripe"] == [PUBLIC, {"locale": "en"}]
    assert called["elements"][0]["clientSecret"] == "pi_secret" and called["create"] == ["payment"]
    assert called["confirmPayment"] == [{"return_url": f"{base}/client/consultations/{made}"}]
    stripe.pays("pi_1")
    clients.ask(str(charge_id))
    clients.confirm(str(made))
    page.wait_for_selector("text=Open the video call")  # the page follows by itself


def test_without_script_and_without_the_provider(
    app: Flask, stripe: StripePeer, script: CardScript, kept: tuple[UUID, UUID], serve: Serve, visit: Visit  # noqa: F811
) -> None:  # fmt: skip
    base, (made, charge_id) = serve(app), kept
    clients.ask(str(charge_id))
    for scripted, says in ((False, "needs JavaScript"), (True, "could not be loaded")):
        with unit_of_work(PLATFORM) as session:
            link = identity.issue_link(session, Portal.CLIENT, "noor@client.test")
        assert link is not None
        page = visit(f"{base}/client/signin/{link.token}", script=scripted)
        page.click("main button[type=submit]")
        page.wait_for_url(lambda url: "/signin" not in url)
        script.close()
        page.goto(f"{base}/client/consultations/{made}/pay")
        page.wait_for_selector(f"text={says}")
        assert page.locator("#pay-form button[type=submit]").is_disabled()
