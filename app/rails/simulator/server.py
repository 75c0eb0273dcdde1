"""The simulator's HTTP side: instructions in, look-ups, and for tests a switchboard of faults and the books."""

from __future__ import annotations

import hmac
import json
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from app.core.money import CURRENCIES
from app.rails.simulated import CHUNK
from app.rails.simulator.books import Books, KeyReused, public
from app.rails.simulator.courier import Courier
from app.rails.simulator.dialects import Answer, Dialect, Moment, Request
from app.rails.simulator.dialects.table import DIALECTS
from app.rails.simulator.faults import Dice, Faults, Mishap

logger = logging.getLogger(__name__)
_MAX_BODY = 16_000_000  # 15,000 items of PayPal
_TEXTS = ("key", "currency", "name", "account", "reference")


class _Refused(Exception):
    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status, self.error, self.message = status, error, message


@dataclass(frozen=True, slots=True)
class Provider:
    """One of those the simulator stands for, with books of its own; without a dialect, the simulated rail."""

    dialect: Dialect | None
    books: Books
    dice: Dice
    courier: Courier


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], providers: Mapping[str, Provider], key: str) -> None:
        super().__init__(address, _Handler)
        self.providers, self.key = providers, key
        self.books, self.courier, self.dice = providers[""].books, providers[""].courier, providers[""].dice


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave in one packet

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        super().setup()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: paths hold keys."""

    def do_GET(self) -> None:
        self._route(self._get)

    def do_POST(self) -> None:
        self._route(self._post)

    def do_PATCH(self) -> None:
        self._route(self._post)

    def do_DELETE(self) -> None:
        self._route(self._post)

    def _route(self, own: Callable[[], dict[str, Any] | None]) -> None:
        """To the dialect that the path begins with, or to the simulated rail's own calls."""
        name, _, rest = self.path.removeprefix("/").partition("/")
        provider = self.server.providers.get(name) if name else None
        if provider is None or provider.dialect is None:
            self._answer(own)
        elif rest in ("_faults", "_instructions"):
            self._answer(lambda: _looked_into(provider, rest, self._body() if self.command == "POST" else None))
        else:
            self._speak(provider, provider.dialect, f"/{rest}")

    def _speak(self, provider: Provider, dialect: Dialect, target: str) -> None:
        """One call of a real provider's, with what befalls it."""
        length = self.headers.get("Content-Length", "0")
        body = self.rfile.read(int(length)) if length.isdigit() and int(length) <= _MAX_BODY else b""
        mishap = provider.dice.call() if self.command == "POST" else Mishap.NONE
        if mishap is Mishap.BEFORE:
            self._send(500, {"error": "broken"}, {})
            return
        found = urlsplit(target)
        host, port = self.server.server_address[:2]
        request = Request(
            self.command, found.path, dict(parse_qsl(found.query)),
            {name.lower(): value for name, value in self.headers.items()}, body,
            f"http://{host!s}:{port}/{dialect.name}",
        )  # fmt: skip
        try:
            answer = dialect.answer(request, provider.books, Moment(time.time(), provider.dice.faults.delay_s))
        except Exception:
            logger.exception("simulator: request failed")
            answer = Answer(500, {"error": "broken"})
        provider.courier.wake()
        if mishap is Mishap.LOST:
            self._hang_up()
            return
        if mishap is Mishap.SLOW:
            time.sleep(provider.dice.faults.slow_s)
        self._send(500 if mishap is Mishap.AFTER else answer.status, answer.body, answer.headers)

    def _get(self) -> dict[str, Any]:
        if self.path == "/_faults":
            return _faults_json(self.server.dice.faults)
        if self.path == "/_instructions":
            return self.server.books.summary()
        if self.path == "/balance":
            return {"balances": self.server.books.balances()}
        if self.path.startswith("/activity?since="):
            since = self.path.removeprefix("/activity?since=")
            if not since.replace(".", "", 1).isdigit():
                raise _Refused(400, "invalid", "since is seconds since 1970.")
            return {"movements": self.server.books.activity(float(since))}
        if self.path.startswith("/instructions/"):
            found = self.server.books.find(unquote(self.path.removeprefix("/instructions/")))
            if found is None:
                raise _Refused(404, "unknown_key", "Nothing was ever asked under this key.")
            return public(found)
        raise _Refused(404, "not_found", "There is nothing here.")

    def _post(self) -> dict[str, Any] | None:
        body = self._body()
        if self.path == "/_faults":
            return _change_faults(self.server.dice, body)
        if self.path == "/instructions":
            return self._instructions(body)
        raise _Refused(404, "not_found", "There is nothing here.")

    def _instructions(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer, or None when it shall be lost on the way."""
        server, faults = self.server, self.server.dice.faults
        mishap = server.dice.call()
        if mishap is Mishap.BEFORE:
            raise _Refused(500, "broken", "Refused on purpose.")
        orders = _orders(body)
        try:
            results = server.books.take(orders, time.time(), faults.delay_s)
        except KeyReused as error:
            raise _Refused(409, "key_reused", f"The key {error.key} was used for another order.") from None
        if faults.webhook_before_reply:
            server.books.hasten([order["key"] for order in orders], time.time())
            server.courier.run_once()
        else:
            server.courier.wake()
        if mishap is Mishap.AFTER:
            raise _Refused(500, "broken", "Taken, and broken on purpose.")
        if mishap is Mishap.SLOW:
            time.sleep(faults.slow_s)
        return None if mishap is Mishap.LOST else {"results": [public(result) for result in results]}

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _MAX_BODY:
            self.close_connection = True  # what follows is not a request
            raise _Refused(413 if length.isdigit() else 411, "invalid", "The body is missing or too long.")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError:
            raise _Refused(400, "invalid", "The body is not JSON.") from None
        if not isinstance(body, dict):
            raise _Refused(400, "invalid", "The body is not a JSON object.")
        return body

    def _answer(self, act: Callable[[], dict[str, Any] | None]) -> None:
        status: int
        body: dict[str, Any] | None
        try:
            if self.path == "/health":
                status, body = 200, {"status": "ok"}
            else:
                self._authorize()
                status, body = 200, act()
        except _Refused as refused:
            status, body = refused.status, {"error": refused.error, "message": refused.message}
        except Exception:
            logger.exception("simulator: request failed")
            status, body = 500, {"error": "broken", "message": "The simulator failed."}
        if body is None:
            self._hang_up()
        else:
            self._send(status, body, {})

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, status: int, body: Any, headers: Mapping[str, str]) -> None:
        page = isinstance(body, str)  # for people; everything else is JSON
        content = b"" if body is None else body.encode() if page else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html; charset=utf-8" if page else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _authorize(self) -> None:
        given = self.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.server.key}".encode()):
            self.close_connection = True
            raise _Refused(401, "unauthorized", "The API key is missing or wrong.")


def _orders(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    orders = body.get("orders")
    if not isinstance(orders, list) or not 1 <= len(orders) <= CHUNK:
        raise _Refused(400, "invalid", f"Give 1 to {CHUNK} orders.")
    for order in orders:
        if not isinstance(order, dict) or not all(isinstance(order.get(name), str) and order[name] for name in _TEXTS):
            raise _Refused(400, "invalid", f"An order has the texts {', '.join(_TEXTS)}.")
        minor = order.get("amount_minor")
        if type(minor) is not int or not 0 < minor < 10**15:
            raise _Refused(400, "invalid", "amount_minor is a positive whole number.")
        if order["currency"] not in CURRENCIES:
            raise _Refused(400, "currency_unsupported", f"{order['currency'][:3]} cannot be sent.")
    return [{name: order[name] for name in (*_TEXTS, "amount_minor")} for order in orders]


def _looked_into(provider: Provider, what: str, wanted: dict[str, Any] | None) -> dict[str, Any]:
    """For tests: a dialect's faults and books."""
    if what == "_instructions":
        return provider.books.summary()
    return _faults_json(provider.dice.faults) if wanted is None else _change_faults(provider.dice, wanted)


def _change_faults(dice: Dice, wanted: dict[str, Any]) -> dict[str, Any]:
    try:
        dice.update(wanted)
    except ValueError as error:
        raise _Refused(400, "invalid", str(error)) from None
    return _faults_json(dice.faults)


def _faults_json(faults: Faults) -> dict[str, Any]:
    return {name: getattr(faults, name) for name in Faults.__dataclass_fields__}


def serve(
    port: int,
    store: Path,
    webhook_url: str,
    *,
    secret: str,
    key: str,
    host: str = "127.0.0.1",
    faults: Faults | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT (main thread), then finish what is being told and return.

    `port` 0 takes a free one; `on_ready` is called with the base URL once requests are answered. `secret` signs
    webhooks, `key` is the bearer token callers show. Raises OSError when the port is taken.
    """
    providers = _providers(store, webhook_url, secret, faults or Faults())
    server = _Server((host, port), providers, key)

    def stop(_signal: int, _frame: object) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()  # shutdown waits for the loop we are in

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
    for provider in providers.values():
        provider.courier.start()
    try:
        if on_ready is not None:
            on_ready(f"http://{host}:{server.server_address[1]}")
        server.serve_forever(poll_interval=0.2)
    finally:
        server.server_close()
        for provider in providers.values():
            provider.courier.stop()
            provider.books.close()


def _providers(store: Path, webhook_url: str, secret: str, faults: Faults) -> dict[str, Provider]:
    """By name; "" is the simulated rail. Each keeps its books in a file of its own, beside the first."""
    base = webhook_url.rpartition("/")[0]
    made: dict[str, Provider] = {}
    for dialect in (None, *DIALECTS):
        file = store if dialect is None else store.with_name(f"{store.stem}-{dialect.name}{store.suffix}")
        url = webhook_url if dialect is None or not base else f"{base}/{dialect.hook}"
        books, dice = Books(file), Dice(replace(faults))
        made[dialect.name if dialect else ""] = Provider(
            dialect, books, dice, Courier(books, dice, url, secret, dialect)
        )
    return made
