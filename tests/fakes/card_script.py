"""The provider's script of the browser on loopback: it draws a field, notes what it was called with, and comes back.

What it was called with is posted to its own server; `answer` is what confirming says: {} redirects as the provider's
does, {"error": {…}} is a refused card.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SCRIPT = """
window.Stripe = (key, options) => {
  const calls = [['Stripe', key, options]];
  return {
    elements(given) {
      calls.push(['elements', given]);
      return { create(kind) {
        calls.push(['create', kind]);
        const heard = {};
        return {
          on(name, call) { heard[name] = call; },
          mount(where) {
            const box = document.createElement('input');
            box.setAttribute('aria-label', 'Card');
            where.append(box);
            heard.ready();
          },
        };
      } };
    },
    async confirmPayment(given) {
      calls.push(['confirmPayment', given.confirmParams]);
      const told = await (await fetch('%s/confirm', { method: 'POST', body: JSON.stringify(calls) })).json();
      if (told.error) return told;
      location.assign(given.confirmParams.return_url + '?payment_intent=pi_1&redirect_status=succeeded');
      return new Promise(() => {});
    },
  };
};
"""


class CardScript:
    """`calls`: what the script was called with until each confirmation."""

    def __init__(self) -> None:
        self.calls: list[list[Any]] = []
        self.answer: dict[str, Any] = {}
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send((SCRIPT % peer.url).encode(), "text/javascript")

            def do_POST(self) -> None:
                peer.calls.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._send(json.dumps(peer.answer).encode(), "application/json")

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
