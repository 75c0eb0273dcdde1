"""Pages of clients and consultants in both themes, wide and narrow: no finding of axe, no complaint of the browser."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask

from app.consultations import booking, hours, offerings
from app.consultations.offerings import OfferingForm
from app.consultations.states import ConsultationStatus as S
from app.consultations.states import OfferingKind
from app.core.clock import utc_now
from app.core.money import Money
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from tests.app.consultations import making
from tests.browser.conftest import Serve, Visit
from tests.browser.test_components import Axe
from tests.factories import consultations
from tests.factories.people import PLATFORM
from tests.portals.conftest import _application, app  # noqa: F401 - fixtures

PICTURES = os.environ.get("PICTURES")  # a folder to look at the pages


@pytest.fixture
def world(app: Flask) -> dict[Portal, tuple[str, tuple[str, ...]]]:  # noqa: F811 - the fixture imported above
    """Who looks, and at what."""
    payee_id, noor = consultations.consultant(), making.client("noor@client.test")
    assert noor.account_id is not None
    with unit_of_work(Scope.payee(payee_id)) as session:
        me = making.actor_of(payee_id)
        hours.set_week(session, me, payee_id, {n: [(540, 720), (780, 1020)] for n in range(5)}, "Europe/Berlin")
        hours.set_day(session, me, payee_id, (utc_now() + timedelta(days=40)).date(), [], "Holiday")
        form = OfferingForm(OfferingKind.CONSULTATION, "Review of a menu", 45, Money(120_00, "EUR"))
        offering: UUID = offerings.create(session, me, payee_id, form).id
    with unit_of_work(Scope.client(noor.account_id)) as session:
        now = utc_now()
        starts = hours.free(session, payee_id, 45, earliest=now + timedelta(days=3), latest=now + timedelta(days=9))
        kept, paid = (
            booking.book(
                session, noor, payee_id=payee_id, offering_id=offering, starts_at=one, client_time_zone="UTC",
                locale="en_US",
            ).id
            for one in (starts[0], starts[-1])
        )  # fmt: skip
    with unit_of_work(PLATFORM) as session:
        booking.confirm(session, SYSTEM, paid)
    held = making.consultation(payee_id, noor, S.COMPLETED, utc_now() - timedelta(days=20))
    theirs, mine = "/client/consultations", "/consultant/consultations"
    return {
        Portal.CLIENT: ("noor@client.test", (
            theirs, f"{theirs}/{kept}", f"{theirs}/{kept}/pay", f"{theirs}/{paid}", f"{theirs}/{paid}/cancellation",
            f"{theirs}/{paid}/move", f"{theirs}/{held}/review", f"{theirs}/new",
            f"{theirs}/new?consultant=priya-raghavan&offering={offering}",
        )),
        Portal.CONSULTANT: ("priya@consultant.test", (
            mine, f"{mine}/{paid}", "/consultant/availability", "/consultant/offerings",
            f"/consultant/offerings/{offering}", "/consultant/offerings/new",
        )),
    }  # fmt: skip


@pytest.mark.parametrize("portal", [Portal.CLIENT, Portal.CONSULTANT])
def test_pages(
    app: Flask,  # noqa: F811
    world: dict[Portal, tuple[str, tuple[str, ...]]], serve: Serve, visit: Visit, axe: Axe, portal: Portal,
) -> None:  # fmt: skip
    base, (email, paths) = serve(app), world[portal]
    for width, dark in ((1440, False), (390, True)):
        with unit_of_work(PLATFORM) as session:
            link = identity.issue_link(session, portal, email)
        assert link is not None
        page = visit(f"{base}/{portal.value}/signin/{link.token}", width=width, dark=dark)
        page.get_by_role("main").get_by_role("button", name=re.compile("Sign in|Continue")).click()
        page.wait_for_url(re.compile(r"^(?!.*/signin)"))
        for number, path in enumerate(paths):
            page.goto(base + path)
            if PICTURES:
                page.screenshot(path=f"{PICTURES}/{portal.value}-{number}-{width}.png", full_page=True)
            assert axe(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
