"""The checks of `make check` find what they are there to find."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checks import templates

BAD = {
    '<div hx-target="#x"><a hx-get="/y" hx-swap="outerHTML">y</a></div>': "hx-target on <div>",
    '<a hx-get="/y">y</a>': "names neither hx-target nor hx-swap",
    '<button hx-post="/y" hx-target="#x" hx-disabled-elt="this">y</button>': "hx-disabled-elt is gone",
    '<div hx-ext="sse"></div>': "hx-ext is gone",
    '<button onclick="go()">y</button>': "inline handlers",
    '<button hx-on:click="go()">y</button>': "inline handlers",
    '<p style="color: red">y</p>': "style= is dropped",
    "<script>go()</script>": "inline script",
    "<style>p {}</style>": "inline style sheet",
    '<script src="https://cdn.example/x.js"></script>': "not ours",
    '<form hx-post="/y" hx-target="#x" hx-vals="js:{a: 1}"></form>': "needs eval",
    '<a hx-get="/y" hx-target="#x" hx-trigger="keyup[key==1]">y</a>': "needs eval",
    '<img src="/static/a.svg">': "without alt",
    "<p>htmx:afterSwap</p>": "event of htmx 2",
}
GOOD = """
<body hx-headers:inherited='{"X-CSRFToken": "{{ csrf_token() }}"}'>
{% if rows %}<a href="{{ url }}" hx-get="{{ url }}" hx-target="#list" hx-swap="outerHTML">More</a>{% endif %}
<script src="{{ asset('app.js') }}" defer></script><img src="/static/a.svg" alt="">
<a href="https://example.com/help">Help</a>
</body>
"""


def findings(folder: Path, markup: str, name: str = "vendor/page.html") -> list[templates.Finding]:
    path = folder / "templates" / name
    path.parent.mkdir(parents=True)
    path.write_text(markup)
    return templates.findings(folder)


@pytest.mark.parametrize("markup", BAD)
def test_a_broken_rule_is_found(tmp_path: Path, markup: str) -> None:
    assert any(BAD[markup] in finding.said for finding in findings(tmp_path, markup))


def test_a_good_page_passes(tmp_path: Path) -> None:
    assert findings(tmp_path, GOOD) == []


def test_mail_and_pdf_need_their_inline_styles(tmp_path: Path) -> None:
    assert findings(tmp_path, '<p style="color: red">y</p>', "mail/link.html") == []


def test_our_own_templates_pass() -> None:
    assert [str(finding) for finding in templates.findings()] == []
