"""Prism: a server that answers from a provider's specification and refuses what the specification does not allow.

Installed by `./dev peers` into `tests/peers`. It keeps nothing: a payment that was made is not found again, any
reference gives the example of the specification.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CLI = Path(__file__).parents[1] / "peers" / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
STARTS_IN_S = 60


def needed(spec: Path) -> None:
    """Skip the test, loudly, where Prism or the specification is not at hand."""
    if shutil.which("node") is None or not CLI.exists():
        pytest.skip("NO PRISM: requests were not checked against the specification. Run ./dev peers")
    if not spec.exists():
        pytest.skip(f"NO SPECIFICATION {spec.name}: neither in $QUITTANCE_SPECS nor in ../shared/specs")


@contextmanager
def serving(spec: Path, log: Path) -> Iterator[str]:
    """The address of a server of that specification. Raises TimeoutError when it does not come up."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["node", str(CLI), "mock", "--host", "127.0.0.1", "--port", str(port), str(spec)]
    with log.open("wb") as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
        try:
            until = time.monotonic() + STARTS_IN_S
            while b"Prism is listening" not in log.read_bytes():
                if process.poll() is not None or time.monotonic() > until:
                    raise TimeoutError(log.read_text()[-2_000:])
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
