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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from app.core.money import CURRENCIES
from app.rails.simulated import CHUNK
from app.rails.simulator.books import Books, KeyReused
from app.rails.simulator.courier import Courier, Faults

logger = logging.getLogger(__name__)
_MAX_BODY = 4_000_000
_TEXTS = ("key", "currency", "name", "account", "reference")


class _Refused(Exception):
    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status, self.error, self.message = status, error, message


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], books: Books, courier: Courier, faults: Faults, key: str) -> None:
        super().__init__(address, _Handler)
        self.books, self.courier, self.faults, self.key = books, courier, faults, key
        self.faults_lock = threading.Lock()

    def spend(self, fault: str) -> bool:
        """Count a fault down; whether it strikes this time."""
        with self.faults_lock:
            left: int = getattr(self.faults, fault)
            setattr(self.faults, fault, max(0, left - 1))
            return left > 0


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
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _get(self) -> dict[str, Any]:
        if self.path == "/_faults":
            return _faults_json(self.server.faults)
        if self.path == "/_instructions":
            return self.server.books.summary()
        if self.path.startswith("/instructions/"):
            found = self.server.books.find(unquote(self.path.removeprefix("/instructions/")))
            if found is None:
                raise _Refused(404, "unknown_key", "Nothing was ever asked under this key.")
            return found
        raise _Refused(404, "not_found", "There is nothing here.")

    def _post(self) -> dict[str, Any] | None:
        body = self._body()
        if self.path == "/_faults":
            with self.server.faults_lock:
                try:
                    self.server.faults.update(body)
                except ValueError as error:
                    raise _Refused(400, "invalid", str(error)) from None
            return _faults_json(self.server.faults)
        if self.path == "/instructions":
            return self._instructions(body)
        raise _Refused(404, "not_found", "There is nothing here.")

    def _instructions(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer, or None when it shall be lost on the way."""
        server, faults = self.server, self.server.faults
        if server.spend("refuse_500"):
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
        return None if server.spend("lose_replies") else {"results": results}

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
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
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
    delay_s: float = 0.5,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT (main thread), then finish what is being told and return.

    `port` 0 takes a free one; `on_ready` is called with the base URL once requests are answered. `secret` signs
    webhooks, `key` is the bearer token callers show. Raises OSError when the port is taken.
    """
    books, faults = Books(store), Faults(delay_s=delay_s)
    courier = Courier(books, faults, webhook_url, secret)
    server = _Server((host, port), books, courier, faults, key)

    def stop(_signal: int, _frame: object) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()  # shutdown waits for the loop we are in

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
    courier.start()
    try:
        if on_ready is not None:
            on_ready(f"http://{host}:{server.server_address[1]}")
        server.serve_forever(poll_interval=0.2)
    finally:
        server.server_close()
        courier.stop()
        books.close()
