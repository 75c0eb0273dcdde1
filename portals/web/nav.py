"""The frame around a portal's pages: who is where, and the links at the side, on top and at the bottom.

A portal lists its `NavItem`s once; its guard calls `use_shell(Shell(...))` on each request. Templates see `shell`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, g, request, url_for
from flask_babel import LazyString

from portals.web.filters import capped

Label = str | LazyString


@dataclass(frozen=True, slots=True)
class NavItem:
    """One link. `section` is the heading above it; `count` names a number in `Shell.counts`.

    `only_with` names a number without which the link is left out (the page is there all the same).
    `tab`: also in the bar at the bottom on phones (four at most; the rest is under More). `foot`: at the sidebar's end.
    """

    label: Label
    icon: str
    endpoint: str
    section: Label = ""
    count: str = ""
    tab: bool = False
    foot: bool = False
    short: Label = ""
    only_with: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Another organization or portal this person can switch to."""

    label: str
    url: str
    caption: Label = ""
    current: bool = False


@dataclass(frozen=True, slots=True)
class Shell:
    """`portal` is one of creator contractor vendor consultant organization admin client, as `<html data-portal>` says.

    `args` fill the URL rules of every item (e.g. {"slug": "oxford"}); `search_url` shows the search box.
    """

    portal: str
    label: Label
    items: Sequence[NavItem]
    home_url: str
    tenant_name: str
    tenant_caption: Label
    account_name: str
    account_email: str
    sign_out_url: str
    args: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    choices: Sequence[Choice] = ()
    account_links: Sequence[tuple[Label, str, str]] = ()  # (label, icon, url)
    bell_url: str = ""  # the list of notices; `counts["notices"]` of them are unread
    search_url: str | None = None
    search_label: Label = ""


@dataclass(frozen=True, slots=True)
class NavLink:
    """A NavItem with this request's URL, count and whether it is the present page."""

    label: Label
    short: Label
    icon: str
    url: str
    section: Label
    count: str  # empty for none
    current: bool
    tab: bool
    foot: bool


def use_shell(shell: Shell) -> None:
    """Set the frame of this request's page."""
    g.shell = shell


def links(shell: Shell) -> list[NavLink]:
    """The item whose address is the longest prefix of the present path is the current one."""
    items = [item for item in shell.items if not item.only_with or shell.counts.get(item.only_with, 0)]
    urls = [url_for(item.endpoint, **shell.args) for item in items]
    current = _longest_prefix(urls, request.path, shell.home_url)
    return [
        NavLink(
            label=item.label,
            short=item.short or item.label,
            icon=item.icon,
            url=url,
            section=item.section,
            count=capped(number) if (number := shell.counts.get(item.count, 0)) else "",
            current=url == current,
            tab=item.tab,
            foot=item.foot,
        )
        for item, url in zip(items, urls, strict=True)
    ]


def _longest_prefix(urls: Sequence[str], path: str, home: str) -> str | None:
    """The home page is a prefix of everything, so it counts only when it is the page itself."""

    def holds(address: str) -> bool:
        url = address.partition("?")[0]
        if url.rstrip("/") == path.rstrip("/"):
            return True
        return url.rstrip("/") != home.rstrip("/") and path.startswith(url.rstrip("/") + "/")

    return max((url for url in urls if holds(url)), key=len, default=None)


def init_app(app: Flask) -> None:
    @app.context_processor
    def _shell() -> dict[str, Any]:
        return {"shell": getattr(g, "shell", None)}

    app.jinja_env.globals["nav_links"] = links
