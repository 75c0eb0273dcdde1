"""The calendar's embed on loopback: it notes the calls that waited for it and draws a button that books."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SCRIPT = """
(() => {
  const waiting = window.Cal.q.map(call => Array.from(call));
  const plain = waiting.map(call => call.map(one => {
    if (!(one instanceof Object)) return one;
    return { ...one, callback: undefined, elementOrSelector: one.elementOrSelector && one.elementOrSelector.tagName };
  }));
  fetch('%s/calls', { method: 'POST', body: JSON.stringify(plain) });
  const inline = waiting.find(call => call[0] === 'inline')[1];
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'btn';
  button.textContent = 'Tuesday at ten';
  button.addEventListener('click', () => waiting.filter(call => call[0] === 'on').forEach(call =>
    call[1].callback({ detail: { type: call[1].action, data: { uid: 'cal-1' } } })));
  inline.elementOrSelector.append(button);
})();
"""


class CalendarScript:
    """`calls`: what the page asked of the embed before it was there."""

    def __init__(self) -> None:
        self.calls: list[list[Any]] = []
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send((SCRIPT % peer.url).encode(), "text/javascript")

            def do_POST(self) -> None:
                peer.calls = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._send(b"{}", "application/json")

            def _send(self, body: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Access-Control-Allow-Origin", "*")
                self.send_header("Cross-Origin-Resource-Policy", "cross-origin")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
