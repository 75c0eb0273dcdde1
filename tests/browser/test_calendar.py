"""A consultant's own calendar in a browser, its embed from loopback: what it is asked, and what comes of a booking."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from app.consultations import offerings, profiles
from app.consultations.states import Practice
from app.core.clock import utc_now
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.gateways import calcom
from app.identity import service as identity
from app.identity.states import Portal
from app.webhooks import service as webhooks
from tests.app.consultations import making
from tests.browser.conftest import Serve, Visit
from tests.browser.test_components import Axe
from tests.factories import consultations
from tests.factories.people import PLATFORM
from tests.fakes.calcom import call
from tests.fakes.calendar_script import CalendarScript
from tests.portals.conftest import _application, app  # noqa: F401 - fixtures
from tests.stores import environment

PICTURES = os.environ.get("PICTURES")  # a folder to look at the pages


@pytest.fixture
def script(app: Flask) -> Iterator[CalendarScript]:  # noqa: F811
    made = CalendarScript()
    with environment(CALCOM_EMBED_URL=f"{made.url}/embed/embed.js", CALCOM_WEBHOOK_SECRET="s"):
        yield made
    made.close()


@pytest.fixture
def wanted(script: CalendarScript) -> UUID:
    """What can be booked of a consultant who gave the page of their calendar."""
    payee_id = consultations.consultant(practice=Practice.ADVISOR)
    making.client("noor@client.test")
    with unit_of_work(Scope.payee(payee_id)) as session:
        profiles.set_calendar_link(session, making.actor_of(payee_id), payee_id, "priya/30min")
    with unit_of_work(PLATFORM) as session:
        return next(one.id for one in offerings.sessions(session) if one.duration_minutes == 30)


def test_booking(
    app: Flask, script: CalendarScript, wanted: UUID, serve: Serve, visit: Visit, axe: Axe  # noqa: F811
) -> None:  # fmt: skip
    base = serve(app)
    with unit_of_work(PLATFORM) as session:
        link = identity.issue_link(session, Portal.CLIENT, "noor@client.test")
    assert link is not None
    page = visit(f"{base}/client/signin/{link.token}")
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/signin" not in url)
    page.goto(f"{base}/client/consultations/new?consultant=priya-raghavan&offering={wanted}")
    button = page.get_by_role("button", name="Tuesday at ten")
    button.wait_for()
    assert axe(page) == []
    if PICTURES:
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=f"{PICTURES}/calendar-{width}.png", full_page=True)
    button.click()
    page.wait_for_selector("text=has not told us of it yet")
    asked = {one[0]: one[1] for one in script.calls}
    assert asked["init"] == {"origin": script.url}
    assert asked["inline"] == {
        "elementOrSelector": "DIV", "calLink": "priya/30min", "config": {"name": "Noor", "layout": "month_view"}
    }  # fmt: skip
    starts_at = (utc_now() + timedelta(days=3)).replace(microsecond=0)
    body = call(
        "BOOKING_CREATED", uid="cal-1", startTime=starts_at.isoformat(),
        endTime=(starts_at + timedelta(minutes=30)).isoformat(), organizer={"username": "priya"},
    )  # fmt: skip
    event = calcom.read(body)
    with unit_of_work(PLATFORM) as session:
        webhooks.receive_calendar(session, "calcom", event.event_id, calcom.kept(event, "x"))
    page.wait_for_url(re.compile("/pay$"))  # by itself: the form is sent again every three seconds
    with unit_of_work(PLATFORM) as session:
        uid, starts = session.execute(
            text("SELECT b.uid, c.starts_at FROM consultations c JOIN calendar_bookings b ON b.consultation_id = c.id")
        ).one()
    assert (uid, starts) == ("cal-1", starts_at)


def test_the_consultants_page(
    app: Flask, script: CalendarScript, wanted: UUID, serve: Serve, visit: Visit, axe: Axe  # noqa: F811
) -> None:  # fmt: skip
    base = serve(app)
    for width, dark in ((1440, False), (390, True)):
        with unit_of_work(PLATFORM) as session:
            link = identity.issue_link(session, Portal.CONSULTANT, "priya@consultant.test")
        assert link is not None
        page = visit(f"{base}/consultant/signin/{link.token}", width=width, dark=dark)
        page.click("main button[type=submit]")
        page.wait_for_url(lambda url: "/signin" not in url)
        page.goto(f"{base}/consultant/availability")
        page.fill("#link-form input[name=link]", "https://evil.test/priya")
        page.click("#link-form button[type=submit]")
        page.wait_for_selector("text=Give a page at")
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/availability-{width}.png", full_page=True)
