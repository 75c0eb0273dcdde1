"""A real S3 endpoint on this machine: moto's server, one bucket."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.fakes.simulator import wait_until


@contextmanager
def s3_bucket() -> Iterator[str]:
    """URL of a bucket on a server of its own; the AWS_ variables point there meanwhile."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    address: list[str] = []

    def listen() -> None:
        assert child.stdout is not None
        for line in child.stdout:
            address.extend(re.findall(r"http://127\.0\.0\.1:\d+", line))

    threading.Thread(target=listen, daemon=True).start()
    try:
        wait_until(lambda: address, 60)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", address[0])
            patch.setenv("AWS_ACCESS_KEY_ID", "test")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
            patch.setenv("AWS_REGION", "us-east-1")
            assert httpx.put(f"{address[0]}/files", trust_env=False).status_code == 200
            yield "s3://files/quittance"
    finally:
        child.terminate()
        child.wait(timeout=20)
