"""Against a real SMTP server (aiosmtpd)."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.core import guards
from app.notify.rendering import Rendered
from app.notify.smtp import (
    Attachment,
    MailRejected,
    MailUnavailable,
    build,
    connection,
    parse_url,
    send,
)

AT = dt.datetime(2026, 11, 24, 9, 4, tzinfo=dt.UTC)
BODY = Rendered(text="Grüße, £5\n" + "x" * 2_000 + "\n", html="<p>Grüße, £5</p>")


class Inbox:
    """Keeps what it is sent; `answers` are given to RCPT first, then to DATA."""

    def __init__(self) -> None:
        self.got: list[Envelope] = []
        self.rcpt = self.data = "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        if self.data.startswith("250"):
            self.got.append(envelope)
        return self.data

    def message(self) -> EmailMessage:
        (envelope,) = self.got
        assert isinstance(envelope.content, bytes)
        found = message_from_bytes(envelope.content, policy=default)
        assert isinstance(found, EmailMessage)
        return found


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _serve(inbox: Inbox, **options: Any) -> Controller:
    controller = Controller(inbox, hostname="127.0.0.1", port=_free_port(), **options)
    controller.start()
    return controller


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def url(inbox: Inbox) -> Iterator[str]:
    controller = _serve(inbox, enable_SMTPUTF8=False)
    yield f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


def _message(to: str = "jo@vendor.test", subject: str = "Paid: £5", **more: Any) -> EmailMessage:
    sender = "Quittance <no-reply@quittance.test>"
    return build(sender=sender, to=to, subject=subject, body=BODY, message_id="mail-1", at=AT, **more)


def test_a_message_arrives_whole(url: str, inbox: Inbox) -> None:
    pdf = Attachment("remittance PO-1.pdf", "application/pdf", b"%PDF-1.7\n\x00\xff")
    send(url, _message(attachments=[pdf]))
    got = inbox.message()
    assert inbox.got[0].rcpt_tos == ["jo@vendor.test"]
    assert inbox.got[0].mail_from == "no-reply@quittance.test"
    assert (got["Subject"], got["Message-ID"]) == ("Paid: £5", "<mail-1@quittance.test>")
    assert got["From"] == "Quittance <no-reply@quittance.test>"
    assert got["Date"] == "Tue, 24 Nov 2026 09:04:00 +0000"
    assert got["Auto-Submitted"] == "auto-generated"
    text, html = got.get_body(("plain",)), got.get_body(("html",))
    assert text is not None and text.get_content().splitlines() == BODY.text.splitlines()
    assert html is not None and html.get_content().strip() == BODY.html
    (attached,) = got.iter_attachments()
    assert attached.get_filename() == "remittance PO-1.pdf"
    assert attached.get_content() == pdf.content


@pytest.mark.parametrize(
    "to", ["", "nobody", "a@b@c", "a b@c.test", "a@c.test\r\nBcc: x@evil.test", "a@c.test, x@e.test"]
)
def test_what_is_no_address_is_refused(to: str) -> None:
    with pytest.raises(MailRejected):
        _message(to)


def test_no_value_can_add_a_header(url: str, inbox: Inbox) -> None:
    evil = "Paid\r\nBcc: x@evil.test\r\n\r\nbody"
    name = Attachment('a"\r\nX-Evil: 1.pdf', "application/pdf", b"x")
    send(url, _message(subject=evil, attachments=[name]))
    got = inbox.message()
    assert got["Bcc"] is None and got["Subject"] == "Paid Bcc: x@evil.test body"
    assert all("X-Evil" not in part for part in got.walk())
    assert inbox.got[0].rcpt_tos == ["jo@vendor.test"]


@pytest.mark.parametrize("step", ["rcpt", "data"])
@pytest.mark.parametrize(
    ("answer", "error"),
    [("550 5.1.1 no such user jo@vendor.test", MailRejected), ("451 4.7.1 come back later", MailUnavailable)],
)
def test_refusals_are_final_or_for_now(url: str, inbox: Inbox, step: str, answer: str, error: type[Exception]) -> None:
    setattr(inbox, step, answer)
    with pytest.raises(error) as refusal:
        send(url, _message())
    assert refusal.value.code == int(answer[:3])  # type: ignore[attr-defined]
    assert "jo@vendor.test" not in str(refusal.value)
    assert inbox.got == []


def test_one_connection_carries_several_and_outlives_a_refusal(url: str, inbox: Inbox) -> None:
    with connection(url) as line:
        line.send(_message())
        inbox.rcpt = "550 no"
        with pytest.raises(MailRejected):
            line.send(_message("gone@vendor.test"))
        inbox.rcpt = "250 OK"
        line.send(_message("al@vendor.test"))
    assert [envelope.rcpt_tos for envelope in inbox.got] == [["jo@vendor.test"], ["al@vendor.test"]]


def test_letters_the_server_does_not_take_are_final(url: str) -> None:
    with pytest.raises(MailRejected):
        send(url, _message("jö@vendor.test"))


def test_no_server_is_for_now() -> None:
    with pytest.raises(MailUnavailable):
        send(f"smtp://127.0.0.1:{_free_port()}", _message())


def test_never_inside_a_unit_of_work(url: str) -> None:
    with guards.transaction(), pytest.raises(guards.NetworkInTransaction):
        send(url, _message())
    with connection(url) as line, guards.transaction(), pytest.raises(guards.NetworkInTransaction):
        line.send(_message())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of 127.0.0.1 with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
    fits = isinstance(given, LoginPassword) and (given.login, given.password) == (b"us@er", b"p:w/d")
    return AuthResult(success=fits, handled=True)


@pytest.fixture
def tls_server(certificate: Path, inbox: Inbox) -> Iterator[int]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    controller = _serve(
        inbox, tls_context=context, require_starttls=True, authenticator=_authenticate, auth_required=True
    )
    yield int(controller.port)
    controller.stop()


def test_starttls_and_sign_in(
    tls_server: int, certificate: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr("app.notify.smtp.TIMEOUT_S", 2.0)  # this server goes silent after a wrong password
    send(f"smtp://us%40er:p%3Aw%2Fd@127.0.0.1:{tls_server}?starttls=1", _message())
    assert len(inbox.got) == 1
    with pytest.raises(MailUnavailable) as refusal:
        send(f"smtp://us%40er:secret-guess@127.0.0.1:{tls_server}?starttls=1", _message())
    assert "secret-guess" not in str(refusal.value)


def test_an_unknown_certificate_is_not_trusted(tls_server: int, inbox: Inbox) -> None:
    with pytest.raises(MailUnavailable):
        send(f"smtp://127.0.0.1:{tls_server}?starttls=1", _message())
    assert inbox.got == []


def test_starttls_that_is_not_offered_is_never_done_without(url: str, inbox: Inbox) -> None:
    with pytest.raises(MailUnavailable):
        send(f"{url}?starttls=1", _message())
    assert inbox.got == []


def test_addresses_of_servers() -> None:
    server = parse_url("smtp://us%40er:p%3Aw%2Fd@mail.test?starttls=1")
    assert (server.host, server.port, server.tls, server.user) == ("mail.test", 587, "starttls", "us@er")
    assert server.password == "p:w/d" and "p:w/d" not in repr(server)
    assert (parse_url("smtps://m").port, parse_url("smtps://m").tls) == (465, "implicit")
    assert (parse_url("smtp://m").port, parse_url("smtp://m:2525").port) == (25, 2525)
    for bad in ("", "http://m", "smtp://", "mail.test:25", "smtp://m:x"):
        with pytest.raises(ValueError):
            parse_url(bad)
