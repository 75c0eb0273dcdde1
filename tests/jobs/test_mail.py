"""Queued mail on its way: sent once, kept for the sandbox, and never a link left lying about in live mode."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from typing import Any

import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.notify import queries, service
from app.notify.smtp import Attachment
from jobs import documents, runtime
from tests.stores import environment

Superuser = psycopg.Connection[tuple[Any, ...]]
LINK = "https://pay.example.test/vendor/signin/a-secret-token"


class Post:
    """A mail server that keeps what it takes; `answer` is what it says to the next message."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.answer = "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.taken.append(message_from_bytes(envelope.content))
        return self.answer


@pytest.fixture
def post(database_url: str) -> Iterator[Post]:
    handler = Post()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    with environment(SMTP_URL=f"smtp://127.0.0.1:{port}"):
        yield handler
    controller.stop()


def queue(**more: Any) -> bool:
    with unit_of_work(Scope.public()) as session:
        return service.queue(
            session,
            "maya@example.test",
            "sign_in",
            subject="Your sign-in link",
            context={"name": "Maya", "portal": "vendor portal", "minutes": 15},
            secrets={"link": LINK},
            **more,
        )


def state(superuser: Superuser) -> tuple[Any, ...]:
    found = superuser.execute("SELECT status, error, context ? 'sealed', context::text FROM mails").fetchone()
    assert found
    return tuple(found)


def test_sent_once_with_its_link(post: Post, superuser: Superuser) -> None:
    queue()
    assert LINK not in state(superuser)[3]  # sealed while it waits
    assert runtime.run_due() == 1
    (message,) = post.taken
    assert message["To"] == "maya@example.test"
    assert message["Subject"] == "Your sign-in link"
    text = next(part for part in message.walk() if part.get_content_type() == "text/plain").get_payload(decode=True)
    assert isinstance(text, bytes)
    assert LINK in text.decode()
    assert state(superuser)[:2] == ("sent", None)
    superuser.execute("UPDATE outbox SET done_at = NULL")  # the note of its end was lost: run again
    runtime.run_due()
    assert len(post.taken) == 1


def test_a_refusal_for_now_is_tried_again_and_one_for_good_is_not(post: Post, superuser: Superuser) -> None:
    queue()
    post.answer = "451 later"
    runtime.run_due()
    assert state(superuser)[0] == "queued"
    post.answer = "550 no such person"
    superuser.execute("UPDATE outbox SET due_at = now()")
    runtime.run_due()
    assert state(superuser)[:2] == ("failed", "the message was refused (550)")
    assert superuser.execute("SELECT done_at IS NOT NULL, tries FROM outbox").fetchone() == (True, 2)


def test_without_a_server_the_sandbox_keeps_it_to_be_read(database_url: str, superuser: Superuser) -> None:
    queue()
    runtime.run_due()
    assert state(superuser)[:3] == ("sent", None, True)
    with unit_of_work(Scope.platform("tests")) as session:
        (row,) = queries.mailbox(session).items
        assert queries.message(session, row.id).context["link"] == LINK


def test_live_mode_forgets_links_once_sent_and_never_pretends(post: Post, superuser: Superuser) -> None:
    queue(dedupe_key="a")
    live = {"QUITTANCE_MODE": "live", "BASE_URL": "https://pay.example.test"}
    with environment(**live, SMTP_URL=""):
        runtime.run_due()
        assert state(superuser)[0] == "queued"
    superuser.execute("UPDATE outbox SET due_at = now()")
    with environment(**live):
        runtime.run_due()
    assert len(post.taken) == 1
    assert state(superuser)[:3] == ("sent", None, False)


def test_the_same_news_is_mailed_once(database_url: str, superuser: Superuser) -> None:
    assert queue(dedupe_key="payout 1 paid")
    assert not queue(dedupe_key="payout 1 paid")
    assert queue(dedupe_key="payout 2 paid")
    assert superuser.execute("SELECT count(*) FROM mails").fetchone() == (2,)
    assert superuser.execute("SELECT count(*) FROM outbox").fetchone() == (2,)


def test_a_document_is_made_when_the_mail_goes(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        documents.MAKERS, "note", lambda word: Attachment(f"{word}.txt", "text/plain", f"it says {word}".encode())
    )
    queue(attachment={"document": "note", "word": "hello"})
    runtime.run_due()
    parts = {part.get_filename(): part.get_payload(decode=True) for part in post.taken[0].walk()}
    assert parts["hello.txt"] == b"it says hello"


def test_sign_in_links_do_not_wait_behind_documents(database_url: str, superuser: Superuser) -> None:
    queue()
    queue(attachment={"document": "note", "word": "hello"})
    topics = superuser.execute("SELECT topic FROM outbox ORDER BY id").fetchall()
    assert topics == [("mail.queued",), ("mail.with_document_queued",)]


def test_whoever_may_not_read_mail_may_queue_it(database_url: str, superuser: Superuser) -> None:
    queue()
    with unit_of_work(Scope.public()) as session:
        assert queries.mailbox(session).items == []


def test_mails_that_can_be_switched_off_say_how_in_one_click(post: Post) -> None:
    context = {"name": "Maya", "organization": "Oxford", "reference": "R-1", "url": "https://pay.example.test/x"}
    with unit_of_work(Scope.public()) as session:
        service.queue(
            session, "maya@example.test", "request_rejected", subject="Rejected",
            context={**context, "amount": {"minor": 100, "currency": "GBP"}, "reason": "Twice"},
        )  # fmt: skip
    queue()
    assert runtime.run_due() == 2
    off, always = sorted(post.taken, key=lambda mail: "List-Unsubscribe" not in mail)
    assert off["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = off["List-Unsubscribe"]
    assert address.startswith("<http://") and address.endswith("/one-click>") and "=?" not in address
    assert not any(mark in address for mark in " \r\n\t")
    assert "List-Unsubscribe" not in always and "List-Unsubscribe-Post" not in always
