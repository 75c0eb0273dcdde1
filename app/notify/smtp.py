"""Handing one message to a mail server. The answer is final, for now, or there is none: callers decide on the type."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

from app.core.guards import no_transaction
from app.notify.rendering import Rendered, one_line

TIMEOUT_S = 20.0


class _Unbroken(UnstructuredHeader):
    """A long address on a line of its own: folded as text it would be encoded, and no program could follow it."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"  # type: ignore[attr-defined]


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Unbroken)  # type: ignore[arg-type] # the stubs call mix-ins headers
_POLICY = SMTP.clone(header_factory=_HEADERS)


class MailError(Exception):
    """The message was not handed over; the text has no addresses in it, `code` is the server's (0: none)."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class MailRejected(MailError):
    """Final: this message to this address will not be taken."""


class MailUnavailable(MailError):
    """For now: no server, no answer, or a temporary refusal. Try again later."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """`content_type` like "application/pdf"."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail goes. `tls` is "" (plain), "starttls" or "implicit"."""

    host: str
    port: int
    tls: str
    user: str = ""
    password: str = field(default="", repr=False)


def parse_url(url: str) -> Server:
    """Read `smtp://[user:password@]host[:port][?starttls=1]` or `smtps://…`. Raises ValueError, quoting no secret."""
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("SMTP_URL looks like smtp://user:password@host:587?starttls=1 or smtps://host")
    starttls = parse_qs(parts.query).get("starttls", ["0"])[-1].lower() in ("1", "true", "yes")
    tls = "implicit" if parts.scheme == "smtps" else "starttls" if starttls else ""
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the port in SMTP_URL is not a number") from None
    return Server(
        host=parts.hostname,
        port=port or {"implicit": 465, "starttls": 587, "": 25}[tls],
        tls=tls,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def build(
    *,
    sender: str,
    to: str,
    subject: str,
    body: Rendered,
    message_id: str,
    at: datetime,
    attachments: Sequence[Attachment] = (),
    one_click_url: str = "",
) -> EmailMessage:
    """A message with a text and an HTML part. No value can add a header.

    `sender` as in MAIL_FROM; `to` one bare address; `message_id` a word of ours (the same for each try, so that a
    repeat is recognised); `at` aware; `one_click_url`: a POST to it stops such mails (RFC 8058). Raises MailRejected
    for an address that is none.
    """
    name, address = parseaddr(sender)
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address(display_name=one_line(name), addr_spec=address)
    try:
        if one_line(to) != to or "," in to:
            raise ValueError
        message["To"] = Address(addr_spec=to)
    except (ValueError, IndexError, MessageError) as error:
        raise MailRejected("the address is not an address") from error
    message["Subject"] = one_line(subject)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{one_line(message_id)}@{address.rpartition('@')[2] or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    if one_click_url:
        message["List-Unsubscribe"] = f"<{one_line(one_click_url)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(body.text, cte="quoted-printable")
    message.add_alternative(body.html, subtype="html", cte="quoted-printable")
    for attachment in attachments:
        kind, _, subkind = attachment.content_type.partition("/")
        message.add_attachment(attachment.content, maintype=kind, subtype=subkind, filename=one_line(attachment.name))
    return message


def send(url: str, message: EmailMessage) -> None:
    """Connect, hand over, leave. Raises MailRejected or MailUnavailable."""
    with connection(url) as line:
        line.send(message)


class Connection:
    """An open line to the server; a refused message leaves it usable."""

    def __init__(self, client: smtplib.SMTP) -> None:
        self._client = client

    def send(self, message: EmailMessage) -> None:
        """Raises MailRejected or MailUnavailable."""
        no_transaction("mail")
        with _typed():
            self._client.send_message(message)


@contextmanager
def connection(url: str) -> Iterator[Connection]:
    """One connection for several messages. Raises MailUnavailable when the server cannot be reached or signed in to."""
    no_transaction("mail")
    server = parse_url(url)
    client = _connect(server)
    try:
        yield Connection(client)
    finally:
        with suppress(smtplib.SMTPException, OSError):
            client.quit()
        client.close()


def _connect(server: Server) -> smtplib.SMTP:
    try:
        if server.tls == "implicit":
            context = ssl.create_default_context()
            client: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=context)
        else:
            client = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
        try:
            if server.tls == "starttls":
                client.starttls(context=ssl.create_default_context())
            if server.user:
                client.login(server.user, server.password)
        except BaseException:
            client.close()
            raise
    except (smtplib.SMTPException, OSError) as error:
        # Also a wrong password or a missing STARTTLS: an operator mends those, the mail waits.
        # Never fall back to a plain connection.
        code = error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else 0
        raise MailUnavailable(f"the mail server cannot be used ({type(error).__name__})", code) from error
    return client


@contextmanager
def _typed() -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code = min(code for code, _ in error.recipients.values())
        raise _by_code("the recipient was refused", code) from error
    except smtplib.SMTPResponseException as error:
        raise _by_code("the message was refused", error.smtp_code) from error
    except smtplib.SMTPNotSupportedError as error:
        raise MailRejected("the server takes no addresses with such letters") from error
    except (smtplib.SMTPException, OSError) as error:
        raise MailUnavailable(f"the mail server went away ({type(error).__name__})") from error


def _by_code(what: str, code: int) -> MailError:
    kind = MailRejected if 500 <= code < 600 else MailUnavailable
    return kind(f"{what} ({code})", code)
