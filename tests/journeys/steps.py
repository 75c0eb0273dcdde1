"""What people do in several journeys, and what only a test can do: let days pass."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from playwright.sync_api import Error
from sqlalchemy import text

from app.consultations import hours
from app.core.clock import today
from app.core.scope import Scope
from app.core.topics import Topic
from app.db import outbox
from app.db.session import engine, unit_of_work
from tests.factories import consultations
from tests.factories.people import PLATFORM
from tests.running import eventually

Visit = Callable[..., Any]
SECONDS = 30_000
CARD = "4242 4242 4242 4242"


def signs_in(page: Any, link: str) -> None:
    page.goto(link)
    page.get_by_role("button", name=re.compile("sign in|continue|accept", re.I)).first.click()
    page.wait_for_url(re.compile(r"^(?!.*/(signin|signup|invitation))"))


def letter(page: Any, base: str, to: str, subject: str) -> str:
    """The newest mail to somebody with this subject, as its HTML; workers may need a moment to write it."""
    named = page.locator("#messages tbody a", has_text=re.compile(subject))

    def there() -> bool:
        page.goto(f"{base}/dev/mailbox?to={to}")
        return bool(named.count())

    eventually(there)
    named.first.click()
    page.wait_for_url(re.compile(r"/dev/mailbox/[0-9a-f-]{36}"))
    return str(page.request.get(page.url).text())


def link_in(mail: str) -> str:
    found = re.search(r'href="(http[^"]+/(?:signup|signin|invitation)/[^"]+)"', mail)
    assert found, "the mail has no link"
    return found[1]


def says(page: Any, *words: str) -> None:
    """Workers may need a moment; the page is asked again until it says all of it."""

    def there() -> bool:
        try:
            page.reload()
            said = re.sub(r"\s+", " ", page.locator("main").inner_text())
        except Error:  # it was just going somewhere else by itself
            return False
        return all(word in said for word in words)

    eventually(there)


def shows(page: Any, url: str, *words: str) -> None:
    """The same of another page."""
    page.goto(url)
    says(page, *words)


def signs_up_as_client(page: Any, base: str, name: str, email: str) -> None:
    """From a page that asks for an account, back to it: a link by mail."""
    page.get_by_role("link", name="How to get an account").click()
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Mail me the link").click()
    page.get_by_role("heading", name="Check your inbox").wait_for()
    signs_in(page, link_in(letter(page, base, email, "")))


def keeps_and_pays(page: Any, title: str, *, later: bool = False) -> str:
    """From the page of a consultant one may book: what, the first time (or the last of the next week), the test card.

    Returns the consultation's id.
    """
    page.get_by_role("listitem").filter(has_text=title).get_by_role("link", name="Choose").click()
    if later:
        page.get_by_role("link", name="Later").click()
    times = page.locator("input[name=starts_at]")
    (times.last if later else times.first).check()
    page.get_by_role("button", name=re.compile("Keep this time")).click()
    page.get_by_label("Card number").fill(CARD)
    page.get_by_role("button", name=re.compile("^Pay ")).click()
    page.wait_for_url(re.compile(r"/consultations/[0-9a-f-]{36}$"))
    says(page, "If you cancel")
    return str(page.url.rsplit("/", 1)[1])


def days_pass(consultation_id: str | UUID, days: int) -> None:
    """Its times are moved back, with the day it is earned on, which nobody but a test can move."""
    asked = {"id": str(consultation_id), "days": days}
    with engine().begin() as connection:
        connection.execute(
            text("ALTER TABLE earnings DISABLE TRIGGER USER; GRANT UPDATE ON earnings TO quittance_platform")
        )
        connection.execute(text("SET LOCAL ROLE quittance_platform"))
        connection.execute(
            text(
                """UPDATE consultations SET starts_at = starts_at - :days * interval '1 day',
                ends_at = ends_at - :days * interval '1 day', clock_at = clock_at - :days * interval '1 day'
                WHERE id = :id"""
            ),
            asked,
        )
        connection.execute(
            text(
                """UPDATE earnings e SET earned_on = e.earned_on - :days FROM consultation_shares s
                WHERE s.consultation_id = :id AND e.source_kind = 'consultation_share' AND e.source_id = s.id"""
            ),
            asked,
        )
        connection.execute(text("RESET ROLE"))
        connection.execute(
            text("ALTER TABLE earnings ENABLE TRIGGER USER; REVOKE UPDATE ON earnings FROM quittance_platform")
        )


def to_last_month() -> int:
    """Days back to the middle of the previous month, wherever one is."""
    last = today().replace(day=1) - timedelta(days=1)
    return (today() - last.replace(day=15)).days


def promised(topic: Topic) -> None:
    """What the schedule promises every few minutes, now: a worker does it."""
    with unit_of_work(PLATFORM) as session:
        outbox.emit(session, topic)


def is_there_at_any_hour(payee_id: UUID, name: str) -> None:
    with unit_of_work(Scope.payee(payee_id)) as session:
        week = {day: [(0, 1440)] for day in range(7)}
        hours.set_week(session, consultations.signed(payee_id, name), payee_id, week, "UTC")
