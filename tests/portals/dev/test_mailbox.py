"""The sandbox's mailbox: what was mailed, with its links and documents, and nothing of it in live mode."""

from __future__ import annotations

import pytest

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.notify import queries, service
from app.notify.smtp import Attachment
from jobs import documents
from tests.portals.conftest import Browser
from tests.stores import environment


def queue(to: str = "maya@example.test", **more: object) -> str:
    """Returns the address of the newest message's page."""
    with unit_of_work(Scope.platform("tests")) as session:
        service.queue(
            session,
            to,
            "sign_in",
            subject=f"Link for {to}",
            context={"name": "<Maya>", "portal": "vendor portal", "minutes": 15},
            secrets={"link": "https://pay.example.test/vendor/signin/token-1?next=%2Fvendor%2F"},
            **more,  # type: ignore[arg-type]
        )
        return f"/dev/mailbox/{queries.mailbox(session).items[0].id}"


def test_list_and_message(client: Browser) -> None:
    assert "No mail yet" in client.get("/dev/mailbox").text
    url = queue()
    queue("noah@example.test")
    listed = client.get("/dev/mailbox?to=Maya@example.test").text
    assert "Link for maya@example.test" in listed
    assert "Link for noah@example.test" not in listed
    assert "No mail to this address" in client.get("/dev/mailbox?to=x@example.test").text
    page = client.get(url).text
    assert 'href="https://pay.example.test/vendor/signin/token-1?next=%2Fvendor%2F"' in page
    assert "&lt;Maya&gt;" in page
    assert "<Maya>" not in page
    fragment = client.htmx("GET", "/dev/mailbox").text
    assert "<html" not in fragment
    assert 'id="messages"' in fragment


def test_attachment(client: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(documents.MAKERS, "note", lambda: Attachment("note.pdf", "application/pdf", b"%PDF-"))
    url = queue(attachment={"document": "note"})
    assert f"{url}/attachment" in client.get(url).text
    answer = client.get(f"{url}/attachment")
    assert (answer.data, answer.content_type) == (b"%PDF-", "application/pdf")
    assert answer.headers["Content-Disposition"] == "attachment; filename=note.pdf"
    assert client.get(f"{queue()}/attachment").status_code == 404


def test_live_mode_has_none(client: Browser) -> None:
    url = queue()
    with environment(QUITTANCE_MODE="live"):
        for path in ("/dev/mailbox", url, f"{url}/attachment"):
            assert client.get(path).status_code == 404
