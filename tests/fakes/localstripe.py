"""localstripe: somebody else's small Stripe, whose webhooks are made and signed by none of our code.

Installed by `./dev peers` into `.venv-peers`. It has another license, so it runs as a program of its own and nothing of
ours imports it. It knows payouts in euros and PaymentIntents; no connected accounts, no transfers.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

HOME = Path(__file__).parents[2] / ".venv-peers"
KEY = "sk_test_localstripe"
STARTS_IN_S = 30


class LocalStripe:
    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, auth=(KEY, ""), trust_env=False)

    def close(self) -> None:
        self._http.close()

    def tells(self, name: str, url: str, secret: str) -> None:
        """From now on events are posted to `url`, signed with `secret`; one more beside those of other names."""
        self.post(f"/_config/webhooks/{name}", {"url": url, "secret": secret})

    def post(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        answer = self._http.post(path, data=form)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def answers(self) -> bool:
        try:
            return self._http.get("/v1/payouts").is_success
        except httpx.HTTPError:
            return False


@contextmanager
def running(log: Path) -> Iterator[LocalStripe]:
    """Skips the test, loudly, where it is not at hand. Raises TimeoutError when it does not come up."""
    if not (HOME / "installed").exists():
        pytest.skip("NO LOCALSTRIPE: webhooks were not checked against another Stripe's. Run ./dev peers")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # from scratch: what an earlier run left on the disk is not read
    command = [str(HOME / "bin" / "python"), "-m", "localstripe", "--port", str(port), "--from-scratch"]
    with log.open("wb") as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
        stripe = LocalStripe(f"http://127.0.0.1:{port}")
        try:
            until = time.monotonic() + STARTS_IN_S
            while not stripe.answers():
                if process.poll() is not None or time.monotonic() > until:
                    raise TimeoutError(log.read_text()[-2_000:])
                time.sleep(0.05)
            yield stripe
        finally:
            stripe.close()
            process.terminate()
