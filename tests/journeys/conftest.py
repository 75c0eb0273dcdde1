"""Fixtures of journeys: a browser of one's own for each person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.steps import SECONDS, Visit, signs_in
from tests.running import Demo


@pytest.fixture
def visit(demo: Demo, browser: Any, tmp_path: Path) -> Iterator[Visit]:
    """A page of a person's own, signed in when a link is given. Its last view is kept as a picture."""
    contexts = []

    def start(link: str = "") -> Any:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(SECONDS)
        if link:
            signs_in(page, link)
        return page

    yield start
    for number, context in enumerate(contexts):
        context.pages[0].screenshot(path=tmp_path / f"end-{number}.png")
        context.close()
