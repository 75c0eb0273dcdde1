"""Which mails are sent: chosen in the settings or by the link in a mail; what concerns security is always sent."""

from __future__ import annotations

import pytest

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.notify import choices, service
from tests.factories import people
from tests.portals.auth.test_pages import EMAIL, Superuser, mails, make
from tests.portals.conftest import Browser

PAGE = "/vendor/settings/notifications"


def queue(template: str, to: str = EMAIL) -> bool:
    with unit_of_work(Scope.public()) as session:
        return service.queue(session, to, template, subject="s", context={"name": "n"})


def test_what_is_switched_off_is_not_sent(client: Browser, superuser: Superuser) -> None:
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    assert client.get(PAGE).text.count("checked") >= 3
    assert client.post(PAGE, {"payout_failed": "y"}).status_code == 303
    assert not queue("payout_paid") and not queue("request_approved")
    assert queue("payout_failed") and queue("payout_paid", "other@example.test")
    assert mails(superuser) == 2
    client.post(PAGE, {"payout_failed": "y", "payout_paid": "y"})
    assert queue("payout_paid")


@pytest.mark.parametrize("template", ["sign_in", "password_changed", "second_factor", "method_changed"])
def test_security_mails_cannot_be_switched_off(client: Browser, template: str) -> None:
    make(Portal.VENDOR)
    client.sign_in(Portal.VENDOR, EMAIL)
    client.post(PAGE, {"payout_paid_portal": "y"})
    assert template not in client.get(PAGE).text
    assert queue(template)
    assert choices.unsubscribe_url(EMAIL, template) is None


def test_link_in_a_mail_needs_no_sign_in_and_no_scanner_uses_it(client: Browser) -> None:
    url = choices.unsubscribe_url(EMAIL, "payout_paid")
    assert url
    path = "/unsubscribe/" + url.rsplit("/", 1)[1]
    assert "A payout was paid" in client.get(path).text
    assert queue("payout_paid")
    assert "no more mails" in client.post(path).text
    assert not queue("payout_paid") and queue("payout_failed")


@pytest.mark.parametrize("token", ["x", "v1.abc.def", "v1.k.AAAA"])
def test_made_up_links_are_dead(client: Browser, token: str) -> None:
    assert client.get(f"/unsubscribe/{token}").status_code == 410


def test_strangers_and_other_portals_are_refused(client: Browser) -> None:
    assert client.get(PAGE).location.startswith("/vendor/signin")
    people.account(Portal.ADMIN, EMAIL, None)
    client.sign_in(Portal.ADMIN, EMAIL)
    assert client.get(PAGE).status_code == 404
    assert client.get("/admin/settings/notifications").status_code == 404


def test_a_mail_program_switches_off_with_one_post(client: Browser) -> None:
    path = "/unsubscribe/" + choices.one_click_url(choices.unsubscribe_url(EMAIL, "payout_paid")).split("/", 4)[4]
    assert client.get(path).status_code == 303  # a link that is followed changes nothing
    assert client.post(path, {}, csrf=False).status_code == 422
    assert queue("payout_paid")
    answer = client.post(path, {"List-Unsubscribe": "One-Click"}, csrf=False)
    assert answer.status_code == 204
    assert not queue("payout_paid") and queue("payout_failed")
    assert client.post("/unsubscribe/x/one-click", {"List-Unsubscribe": "One-Click"}, csrf=False).status_code == 410
