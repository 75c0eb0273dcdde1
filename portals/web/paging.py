"""Keyset paging at the edge: which page the URL asks for, and the links to its neighbours with all filters kept.

A cursor is an opaque text made and read by `app.db.paging`; here it only travels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from flask import request, url_for

from app.db.paging import DEFAULT_LIMIT, MAX_LIMIT


class HasNeighbours(Protocol):
    """What `app.db.paging.Page` offers."""

    @property
    def next_cursor(self) -> str | None: ...

    @property
    def previous_cursor(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class PageRequest:
    """`cursor` is None on the first page; `limit` rows are wanted."""

    cursor: str | None
    limit: int


def wanted(default_limit: int = DEFAULT_LIMIT) -> PageRequest:
    """Read `cursor` and `limit` from the URL; nonsense limits become sensible ones."""
    limit = request.args.get("limit", default_limit, type=int)
    cursor = request.args.get("cursor", "")[:512]
    return PageRequest(cursor or None, max(1, min(limit, MAX_LIMIT)))


def url_with(**changes: Any) -> str:
    """This page's URL with some query parameters changed (None takes one out) and the cursor forgotten."""
    args: dict[str, Any] = {**request.args.to_dict(flat=False), **(request.view_args or {})}
    if "cursor" not in changes:
        args.pop("cursor", None)
    args.update(changes)
    assert request.endpoint is not None
    return url_for(request.endpoint, **{name: value for name, value in args.items() if value not in (None, "", [])})


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Links for the pager; None where there is no such page."""

    newer: str | None
    older: str | None


def neighbours(page: HasNeighbours) -> Neighbours:
    return Neighbours(
        newer=url_with(cursor=page.previous_cursor) if page.previous_cursor else None,
        older=url_with(cursor=page.next_cursor) if page.next_cursor else None,
    )
