from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.contracts import rules, wording
from app.contracts.rules import Mark, TemplateForm
from app.contracts.states import Party, SignatureKind, SigningOrder
from app.core.errors import Invalid

TAGS = {"h2", "h3", "p", "ul", "ol", "li", "strong", "br"}


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        assert not attrs


@given(st.text(max_size=300), st.text(max_size=60))
def test_whatever_is_written_becomes_our_own_tags_alone(body: str, value: str) -> None:
    body = body.replace("{{", "{ {")
    reader = Tags()
    reader.feed(wording.html(body + "\n\n**{{payee}}** <img src=x onerror=y>", {"payee": value}))
    assert reader.found <= TAGS


@given(st.text(min_size=1, max_size=60, alphabet=st.characters(exclude_categories=("C", "Z"))))
def test_a_value_is_never_read_as_markup_or_as_a_field(value: str) -> None:
    made = wording.html("Name: {{payee}}.", {"payee": value, "secret": "S3CR3T"})
    assert len(re.findall("<p>", made)) == 1 and "<strong>" not in made and "S3CR3T" not in made


def test_the_markup() -> None:
    made = wording.html("# One\n## Two\nline\nline **two**\n\n- a\n- b\n\n1. x\n2. {{n}}", {"n": "7"})
    assert made == (
        "<h2>One</h2>\n<h3>Two</h3>\n<p>line<br>line <strong>two</strong></p>\n<ul><li>a</li><li>b</li></ul>\n"
        "<ol><li>x</li><li>7</li></ol>\n"
    )


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"name": " "}, "name"),
        ({"title": "Of {{nobody}}"}, "title"),
        ({"body": "Pay {{ Rate }}"}, "body"),
        ({"body": "Pay {{missing}}"}, "body"),
        ({"fields": ({"name": "Rate!", "label": "x", "type": "text"},)}, "fields"),
        ({"fields": ({"name": "payee", "label": "x", "type": "text"},)}, "fields"),
        ({"fields": ({"name": "a", "label": "x", "type": "script"},)}, "fields"),
    ],
)
def test_a_faulty_template_says_where(change: dict[str, object], part: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_template(TemplateForm(**{"name": "A", "title": "B", "body": "C", **change}))  # type: ignore[arg-type]
    assert part in refused.value.fields


FIELDS = [
    {"name": "fee", "label": "Fee", "type": "amount", "required": True},
    {"name": "rate", "label": "Rate", "type": "percent", "required": False},
    {"name": "on", "label": "On", "type": "day", "required": False},
    {"name": "sole", "label": "Sole", "type": "yes_no", "required": False},
]


def test_values_are_read_by_their_type() -> None:
    values = rules.read_values(FIELDS, {"fee": "1,250.5", "rate": "12.5%", "on": "2026-11-21", "sole": "yes"}, "USD")
    assert values["fee"] == {"minor": 125050, "currency": "USD"}
    words = wording.words_of(FIELDS, values)
    assert words == {"fee": "$1,250.50 USD", "rate": "12.5%", "on": "November 21, 2026", "sole": "yes"}


@pytest.mark.parametrize(
    ("name", "text"), [("fee", ""), ("fee", "1.2.3"), ("fee", "12,5"), ("rate", "101"), ("on", "31/12/2026")]
)
def test_a_faulty_value_is_named(name: str, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.read_values(FIELDS, {"fee": "1", name: text}, "USD")
    assert set(refused.value.fields) == {name}


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@given(st.integers(1, 60), st.lists(st.integers(0, 70), max_size=80))
def test_reminders_are_few_and_never_after_the_end(days: int, visits: list[int]) -> None:
    ends, last, sent = NOW + timedelta(days=days), None, 0
    for day in sorted(visits):
        moment = NOW + timedelta(days=day)
        if rules.reminder_due(NOW, ends, last, moment):
            assert moment < ends
            assert not rules.reminder_due(NOW, ends, moment, moment)
            last, sent = moment, sent + 1
    assert sent <= 3


def test_whose_turn_it_is() -> None:
    for order in SigningOrder:
        signed: list[Party] = []
        while (party := rules.next_party(order, signed)) is not None:
            signed.append(party)
        assert tuple(signed) == order.parties


@pytest.mark.parametrize(
    "strokes", [(), (((5, 5),) * 3,), (tuple((n, 5) for n in range(12)),), (tuple((n * 90, 5) for n in range(12)),)]
)
def test_a_dot_or_a_line_outside_is_no_signature(strokes: tuple[tuple[tuple[int, int], ...], ...]) -> None:
    with pytest.raises(Invalid):
        rules.check_mark(Mark(SignatureKind.DRAWN, "Jo Bell", strokes))


@pytest.mark.parametrize("given", [None, 5, [[1, 2]], [[["a", "b"]]], [[[1, 2, 3]]], [[[1, 2]] * 6000]])
def test_strokes_that_are_none_are_refused(given: object) -> None:
    with pytest.raises(Invalid):
        rules.read_strokes(given)


def test_links_and_days() -> None:
    assert rules.check_link("https://files.example.test/x?y=1") == "https://files.example.test/x?y=1"
    bad = (
        "http://example.test", "javascript:alert(1)", "https://", "https://localhost/x", "", "data:text/html,x",
        "file:///etc/passwd", "//example.test/a", "https://[::1", "https://example.test:port/a",
        "https://good.example.test@evil.example.test/", "https://example.test/\n<script>", "https://example.test/a b",
        "https://exam\u202eple.test/", "https:\\\\example.test", f"https://example.test/{'x' * 1_000}",
    )  # fmt: skip
    for url in bad:
        with pytest.raises(Invalid):
            rules.check_link(url)
    with pytest.raises(Invalid):
        rules.check_signed_on(date(2026, 11, 22), date(2026, 11, 21))
