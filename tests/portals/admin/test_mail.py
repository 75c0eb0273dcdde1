"""The mail queue: found by state, mail and address; sent once more as a new mail; what a mail says stays closed."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.errors import Conflict, Forbidden
from app.core.scope import Actor
from app.db.outbox import MAX_TRIES
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.notify import post, service, smtp
from app.notify.models import MailStatus
from app.notify.post import MailFilter
from app.notify.smtp import MailUnavailable
from jobs import mail as jobs
from tests.factories import payouts as make
from tests.factories import people
from tests.factories.payouts import PLATFORM, Shop
from tests.portals.conftest import Browser
from tests.stores import environment

QUOTED = dict.fromkeys(("name", "sender", "subject", "count", "quotes", "url"), "x")
pytestmark = pytest.mark.usefixtures("database_url")


def queued(to: str = "lumen@print.test", **more: Any) -> Any:
    """The id of one mail in the queue."""
    context = {"name": "Lumen", "news": "Fernhill works with you again", "follows": "Good.", "url": "https://x.test"}
    with unit_of_work(PLATFORM) as session:
        service.queue(session, to, "engagement_changed", subject="News", context=context, **more)
        return post.mails(session, MailFilter(to=to)).items[0].id


def settled(mail_id: Any, refusal: str = "") -> Any:
    with unit_of_work(PLATFORM) as session:
        service.settle(session, mail_id, refusal=refusal, keep_secrets=True)
    return mail_id


def test_the_queue_is_filtered_and_shows_no_content(browser: Browser, superuser: Any) -> None:
    queued()
    settled(queued("bounced@print.test"), "550 no such user")
    settled(queued("secret@print.test", secrets={"link": "https://x.test/signin/abc"}))
    page = browser.get("/admin/mail").text
    assert "lumen@print.test" in page and "Engagement changed" in page and "550 no such user" in page
    assert "1 mail failed" in page and "signin/abc" not in page and "Fernhill works" not in page
    failed = browser.htmx("GET", "/admin/mail?status=failed").text
    assert "bounced@" in failed and "lumen@" not in failed
    assert "lumen@" in browser.get("/admin/mail?to=LUMEN@print.test").text
    assert "No mail matches" in browser.get("/admin/mail?template=payout_paid").text
    assert "bounced@" not in browser.get("/admin/mail?status=sent").text


def test_one_mail_is_found_by_how_the_address_begins_and_by_its_subject(browser: Browser) -> None:
    queued("lena.brandt@creators.test")
    queued("lenard@creators.test")
    queued("helena@creators.test")
    page = browser.get("/admin/mail?to=Lena.").text
    assert "lena.brandt@" in page and "lenard@" not in page and "helena@" not in page and "News" in page
    both = browser.htmx("GET", "/admin/mail?to=lena").text
    assert "lena.brandt@" in both and "lenard@" in both and "helena@" not in both
    assert "No mail matches" in browser.get("/admin/mail?to=%25").text


def test_a_subject_that_quotes_people_stays_closed(browser: Browser) -> None:
    with unit_of_work(PLATFORM) as session:
        service.queue(
            session, "a@creators.test", "messages_unread", subject="Fernhill wrote: my diagnosis", context=QUOTED
        )
        mail_id = post.mails(session, MailFilter(to="a@creators.test")).items[0].id
    settled(mail_id)
    assert "diagnosis" not in browser.get("/admin/mail").text
    assert "diagnosis" not in browser.get(f"/admin/mail/{mail_id}/resend").text


def test_communications_are_the_mails_to_creators(browser: Browser, place: Shop, strangers: list[Browser]) -> None:
    people.account(Portal.CREATOR, "amara@creators.test", place.payee_ids[1])
    mail_id = settled(queued("amara@creators.test"), "550 no such user")
    settled(queued("vendor@example.test"), "550 no such user")
    page = browser.get("/admin/creators/communications").text
    assert "amara@creators.test" in page and "vendor@example.test" not in page and "1 mail failed" in page
    assert f"/admin/mail/{mail_id}/resend" in page
    assert "amara@" in browser.htmx("GET", "/admin/creators/communications?status=failed").text
    assert "No mail matches" in browser.get("/admin/creators/communications?status=sent").text
    assert "/admin/creators/communications" in browser.get("/admin/creators").text
    assert [one.get("/admin/creators/communications").status_code for one in strangers] == [404, 404]


def test_once_more_as_a_new_mail_on_the_audit_trail(browser: Browser, superuser: Any) -> None:
    mail_id = settled(queued(), "451 try later")
    assert "Send it once more?" in browser.get(f"/admin/mail/{mail_id}/resend").text
    assert browser.post(f"/admin/mail/{mail_id}/resend").status_code == 303
    rows = superuser.execute(
        "SELECT id, status, repeats_id, context->>'name' FROM mails ORDER BY created_at"
    ).fetchall()
    assert [(row[1], row[2], row[3]) for row in rows] == [("failed", None, "Lumen"), ("queued", mail_id, "Lumen")]
    assert superuser.execute(
        "SELECT count(*) FROM outbox WHERE payload->>'mail_id' = %s", [str(rows[1][0])]
    ).fetchone() == (1,)
    audit = superuser.execute("SELECT actor, subject_id FROM audit_records WHERE action = 'mail.resent'").fetchall()
    assert len(audit) == 1 and audit[0][1] == mail_id
    twice = browser.post(f"/admin/mail/{mail_id}/resend")
    assert twice.status_code == 409 and "a moment ago" in twice.text
    assert "once more" in browser.get("/admin/mail").text


def test_what_cannot_be_sent_once_more(browser: Browser) -> None:
    waits = browser.post(f"/admin/mail/{queued()}/resend")
    assert waits.status_code == 409 and "waits to be sent" in waits.text
    secret = settled(queued("b@b.test", secrets={"link": "https://x.test/signin/abc"}))
    page = browser.get(f"/admin/mail/{secret}/resend").text
    assert "cannot be sent once more" in page and "<form id=" not in page
    refused = browser.post(f"/admin/mail/{secret}/resend")
    assert refused.status_code == 409 and "personal link" in refused.text
    with unit_of_work(PLATFORM) as session:
        actor = make.admin("z@quittance.test")
        with pytest.raises(Forbidden):
            post.resend(session, Actor("Owner", "ORG_OWNER"), secret)
        with pytest.raises(Conflict):
            post.resend(session, actor, secret)


def test_tries_are_counted_and_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    mail_id = queued()

    def down(*_args: Any) -> None:
        raise MailUnavailable("The mail server does not answer.")

    monkeypatch.setattr(smtp, "send", down)
    with environment(SMTP_URL="smtp://127.0.0.1:9"):
        for _turn in range(MAX_TRIES - 1):
            with pytest.raises(MailUnavailable):
                jobs.send(str(mail_id))
        with unit_of_work(PLATFORM) as session:
            row = post.mail(session, mail_id)
            assert (row.status, row.tries, row.error) == (
                MailStatus.QUEUED, MAX_TRIES - 1, "The mail server does not answer."
            )  # fmt: skip
        jobs.send(str(mail_id))
    with unit_of_work(PLATFORM) as session:
        row = post.mail(session, mail_id)
    assert row.status is MailStatus.FAILED and row.error.startswith("Given up after 12 tries")


def test_who_is_refused(place: Shop, sign_in: Any) -> None:
    mail_id = settled(queued())
    people.payee(place.payee_ids[0], "own@vendor.test")
    for browser in (sign_in(Portal.VENDOR, "own@vendor.test"),):
        assert browser.get("/admin/mail").status_code == 404
        assert browser.post(f"/admin/mail/{mail_id}/resend").status_code == 404
