"""The list behind the bell: what mails say, for whom they were meant, chosen apart from the mails."""

from __future__ import annotations

import re

from sqlalchemy import text

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.notify import notices, service
from app.notify.service import Letter
from jobs.housekeeping import tidy
from tests.factories import people
from tests.portals.auth.test_pages import EMAIL, Superuser, mails, make
from tests.portals.conftest import Browser

SETTINGS, INBOX = "/vendor/settings/notifications", "/vendor/notifications"


def told(
    path: str = "/vendor/payments", to: str = EMAIL, template: str = "payout_paid", key: str | None = None
) -> bool:
    with unit_of_work(Scope.public()) as session:
        return service.queue(
            session, to, template, subject=f"News of {path}", context={"url": f"https://x.test{path}"}, dedupe_key=key
        )


def test_a_mail_is_a_notice_too_until_it_is_read(client: Browser) -> None:
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    assert "Nothing new" in client.get(INBOX).text
    assert told(key="once") and not told(key="once")
    told("/vendor/requests", template="request_rejected")
    page = client.get(INBOX).text
    assert page.count('<tr role="row" id="notice-') == 2 and "2 unread" in page
    link = re.findall(r'href="(/vendor/notifications/[0-9a-f-]{36})"', page)[-1]
    opened = client.get(link)
    assert opened.status_code == 303 and opened.location == "/vendor/payments"
    assert "1 unread" in client.get(INBOX).text
    assert client.post(f"{INBOX}/reading", {}).status_code == 303
    assert "unread" not in client.get("/vendor/payments").text


def test_channels_are_chosen_apart(client: Browser, superuser: Superuser) -> None:
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    client.post(SETTINGS, {"payout_paid": "y"})
    assert told()
    client.post(SETTINGS, {"payout_paid_portal": "y"})
    assert not told("/vendor/requests")
    page = client.get(INBOX).text
    assert "News of /vendor/requests" in page and "News of /vendor/payments" not in page
    assert mails(superuser) == 1
    shown = client.get(SETTINGS).text
    assert re.search(r'name="payout_paid" [^>]*(?<!checked)>', shown) and shown.count("checked") == 1


def test_many_at_once_keep_the_same_rules(client: Browser) -> None:
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    client.post(SETTINGS, {"payout_paid": "y", "payout_failed_portal": "y"})
    url = "https://x.test/vendor/payments"
    letters = [Letter(EMAIL, name, f"About {name}", {"url": url}) for name in ("payout_paid", "payout_failed")]
    with unit_of_work(Scope.platform("test")) as session:
        assert service.queue_many(session, letters) == 1
    page = client.get(INBOX).text
    assert "About payout_failed" in page and "About payout_paid" not in page


def test_nobody_reads_the_notices_of_others(client: Browser) -> None:
    make(Portal.VENDOR)
    told(to="other@example.test")
    told("/creator/payments")
    told(template="sign_in")
    client.sign_in(Portal.VENDOR, EMAIL)
    assert "Nothing new" in client.get(INBOX).text
    with unit_of_work(Scope.platform("test")) as session:
        foreign = session.execute(text("SELECT id FROM notices LIMIT 1")).scalar_one()
    assert client.get(f"{INBOX}/{foreign}").status_code == 404
    with unit_of_work(Scope.public()) as session:
        assert not session.execute(text("SELECT id FROM notices")).all()


def test_strangers_and_other_portals_are_refused(client: Browser) -> None:
    assert client.get(INBOX).location.startswith("/vendor/signin")
    people.account(Portal.ADMIN, EMAIL, None)
    client.sign_in(Portal.ADMIN, EMAIL)
    assert client.get(INBOX).status_code == 404
    assert client.post(f"{INBOX}/reading", {}).status_code == 404


def test_old_ones_go(client: Browser, superuser: Superuser) -> None:
    make(Portal.VENDOR)
    told(key="a")
    told(key="b")
    superuser.execute(
        "UPDATE notices SET created_at = now() - %s WHERE dedupe_key = 'a'", [notices.KEPT + notices.KEPT / 365]
    )
    tidy()
    client.sign_in(Portal.VENDOR, EMAIL)
    assert client.get(INBOX).text.count("notice-") == 1
