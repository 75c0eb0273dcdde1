"""A real browser for tests: Debian's headless Chromium through Playwright, nothing downloaded.

* `serve(app)` — the address of a WSGI application running in a thread of the test.
* `visit(url, width=390, dark=True, script=False, cut=True)` — an open page; console errors and policy violations fail
  the test.
* `axe(page)` — what axe-core finds wrong with the page, as short texts; an accessible page gives [].
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

import pytest
from werkzeug.serving import make_server

AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

Serve = Callable[[WSGIApplication], str]
Visit = Callable[..., Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as running:

        def start(app: WSGIApplication) -> str:
            server = make_server("127.0.0.1", 0, app, threaded=True)
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            running.callback(thread.join, 10)
            running.callback(server.server_close)
            running.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield start


@pytest.fixture
def visit(browser: Any) -> Iterator[Visit]:
    """Open pages, each in a context (cookies, storage) of its own, and see that none of them complained."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def told(message: Any, cut: bool) -> None:
        # A 4xx answer is part of many tests; the browser's own line about it is no complaint of the page.
        known = "Failed to load resource" in message.text or (cut and "Failed to fetch" in message.text)
        if message.type == "error" and not known:
            complaints.append(message.text)

    def start(
        url: str, *, width: int = 1440, height: int = 900, dark: bool = False, script: bool = True, cut: bool = False
    ) -> Any:
        """`cut`: the test takes the network away."""
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            reduced_motion="reduce",
            locale="en-US",
            timezone_id="America/New_York",
            has_touch=width < 600,
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: told(message, cut))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        return page

    yield start
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def axe() -> Callable[[Any], list[str]]:
    """Run axe-core with the best-practice rules; each finding as `rule (n): first element`."""
    module = pytest.importorskip("axe_playwright_python")
    source = (Path(module.__file__).parent / "axe.min.js").read_text()

    def run(page: Any) -> list[str]:
        page.evaluate(source)
        found = page.evaluate(
            "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}}).then(r => r.violations)", AXE_TAGS
        )
        return [f"{v['id']} ({len(v['nodes'])}): {v['nodes'][0]['html'][:160]}" for v in found]

    return run
