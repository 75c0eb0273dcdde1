"""What a page may weigh, compressed: 110 KB on the first visit (35 script), 15 for the next page, 8 for a fragment."""

from __future__ import annotations

import gzip
import re

import pytest
from flask.testing import FlaskClient

from tests.portals.web.conftest import PARTIAL

KB = 1000
URL = "/dev/components/"


def compressed(body: bytes) -> int:
    return len(gzip.compress(body, 6))


def loaded(client: FlaskClient, html: str) -> dict[str, int]:
    """Compressed size of every file the page loads at once, by address."""
    links = set(re.findall(r'(?:src|href)="(/static/[^"#]+)"', html))
    links |= {url.split("#")[0] for url in re.findall(r'<use href="(/static/[^"]+)"', html)}
    answers = {url: client.get(url, headers={"Accept-Encoding": "gzip"}) for url in links}
    assert all(answer.status_code == 200 for answer in answers.values())
    return {url: len(answer.data) for url, answer in answers.items()}


@pytest.mark.parametrize("name", ["form", "withdrawal", "board"])
def test_the_first_visit(client: FlaskClient, name: str) -> None:
    html = client.get(URL + name).text
    files = loaded(client, html)
    assert compressed(html.encode()) + sum(files.values()) <= 110 * KB
    assert sum(size for url, size in files.items() if url.endswith(".js")) <= 35 * KB


@pytest.mark.parametrize("name", ["form", "withdrawal", "board", "sign-in", "bills/b1"])
def test_the_next_page_and_its_elements(client: FlaskClient, name: str) -> None:
    html = client.get(URL + name).text
    assert compressed(html.encode()) <= 15 * KB
    assert len(re.findall(r"<[a-z][a-z0-9-]*[ >]", html)) <= 1500


def test_a_fragment(client: FlaskClient) -> None:
    assert compressed(client.get(URL, headers=PARTIAL).data) <= 8 * KB


def test_nothing_comes_from_elsewhere(client: FlaskClient) -> None:
    for name in ("", "form", "board", "sign-in"):
        html = client.get(URL + name).text
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', html)
