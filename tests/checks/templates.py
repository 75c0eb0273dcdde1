"""`python -m tests.checks.templates`: the ground rules of our pages, which no browser would tell us about. Exit 1 on a
finding.

htmx 4 fails silently where examples for htmx 2 are copied, and a strict Content-Security-Policy drops inline code; mail
and PDF templates are exempt from what only concerns pages.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
REQUESTS = {"hx-get", "hx-post", "hx-put", "hx-patch", "hx-delete"}
INHERITED_IN_2 = {
    "hx-boost", "hx-confirm", "hx-encoding", "hx-headers", "hx-include", "hx-indicator", "hx-push-url",
    "hx-replace-url", "hx-select", "hx-select-oob", "hx-swap", "hx-sync", "hx-target", "hx-vals",
}  # fmt: skip
GONE = {
    "hx-vars": "use hx-vals",
    "hx-params": "name the fields in the form",
    "hx-prompt": "use a dialog",
    "hx-ext": "load the extension's script; htmx 4 needs no attribute",
    "hx-disinherit": "htmx 4 inherits only with :inherited",
    "hx-inherit": "htmx 4 inherits only with :inherited",
    "hx-request": "use hx-config",
    "hx-history": "htmx 4 keeps no pages",
    "hx-disabled-elt": "htmx 4 calls it hx-disable",
    "hx-sse": "htmx 4 calls it hx-sse:connect",
    "hx-ws": "htmx 4 calls it hx-ws:connect",
}
OLD_EVENT = re.compile(r"htmx:[a-z]+[A-Z]\w*")
OUTSIDE = re.compile(r"^(https?:)?//")
LOADS = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("use", "href")}
NOT_PAGES = ("mail", "pdf")


class Finding(NamedTuple):
    path: Path
    line: int
    said: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.said}"


def plain(template: str) -> str:
    """The template without Jinja's tags, line numbers kept."""
    lines = lambda match: "\n" * match.group().count("\n")  # noqa: E731
    template = re.sub(r"\{#.*?#\}|\{%.*?%\}", lines, template, flags=re.DOTALL)
    return re.sub(r"\{\{.*?\}\}", lambda match: "X" + lines(match), template, flags=re.DOTALL)


class Page(HTMLParser):
    """Collects what breaks a rule; one element at a time."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=False)
        self.path = path
        self.found: list[Finding] = []

    def add(self, said: str) -> None:
        self.found.append(Finding(self.path, self.getpos()[0], said))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name, value in given.items():
            self._attribute(tag, name, value)
        if tag == "hx-partial":
            pass  # a further piece of an answer: its target and swap are its own
        elif not REQUESTS & set(given):
            for name in sorted(INHERITED_IN_2 & set(given)):
                self.add(f"{name} on <{tag}> without a request does nothing: say {name}:inherited, or put it there")
        elif "hx-target" not in given and "hx-swap" not in given:
            self.add(f"<{tag}> makes a request and names neither hx-target nor hx-swap")
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.add("inline script: put it into static/")
        if tag == "style":
            self.add("inline style sheet: put it into static/quittance.css")
        if tag == "img" and "alt" not in given:
            self.add("<img> without alt")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name in GONE:
            self.add(f"{name} is gone from htmx 4: {GONE[name]}")
        if name.startswith("hx-on") or (name.startswith("on") and name[2:].isalpha()):
            self.add(f"{name}: the policy forbids inline handlers, listen in static/app.js")
        if name == "style":
            self.add("style= is dropped by the policy: use a class, or SVG attributes")
        if value.lstrip().startswith(("js:", "javascript:")):
            self.add(f"{name} needs eval, which the policy forbids")
        if name == "hx-trigger" and "[" in value:
            self.add("a filter in hx-trigger needs eval, which the policy forbids")
        if (tag, name) in LOADS and OUTSIDE.match(value):
            self.add(f"{value} is not ours: pages load nothing from elsewhere")


def page_findings(path: Path) -> Iterator[Finding]:
    text = path.read_text()
    page = Page(path)
    page.feed(plain(text))
    yield from page.found
    yield from event_findings(path)


def event_findings(path: Path) -> Iterator[Finding]:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        for match in OLD_EVENT.finditer(line):
            yield Finding(path, number, f"{match.group()} is an event of htmx 2; htmx 4 says htmx:after:swap and so on")


def findings(root: Path = ROOT) -> list[Finding]:
    found: list[Finding] = []
    for path in sorted((root / "templates").rglob("*.html")):
        if path.relative_to(root / "templates").parts[0] not in NOT_PAGES:
            found += page_findings(path)
    for path in sorted((root / "static").rglob("*.js")):
        if ".min." not in path.name:
            found += event_findings(path)
    return found


def main() -> int:
    found = findings()
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
