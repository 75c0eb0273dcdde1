"""Journeys run in the same browser as the other browser tests."""

from __future__ import annotations

from tests.browser.conftest import browser

__all__ = ["browser"]
