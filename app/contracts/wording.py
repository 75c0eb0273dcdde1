"""The text of a contract: a small markup with {{fields}}, turned into HTML that holds nothing but our own tags.

`# ` and `## ` begin a heading, `- ` and `1. ` an item, an empty line a new paragraph; **so** is bold. What a person
wrote is escaped first, so a name with angle brackets is a name with angle brackets.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from html import escape
from typing import Any

from app.contracts.states import FieldType
from app.core.errors import Invalid
from app.core.formats import format_day, format_money
from app.core.money import Money

# What every contract knows by itself.
OWN_FIELDS = ("number", "today", "organization", "organization_legal_name", "payee", "payee_legal_name")
PLACE = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}")
_ANY_PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_ITEM = re.compile(r"(?:([-*])|\d+[.)])\s+(.*)")


def content_sha256(title: str, body: str, fields: Sequence[Mapping[str, Any]]) -> str:
    """Hash of a template version: what it says and what it asks for."""
    return hashlib.sha256(json.dumps([title, body, list(fields)], sort_keys=True).encode()).hexdigest()


def places(text: str) -> list[str]:
    """The fields a text names, once each. Raises Invalid for braces that name none."""
    found = []
    for inside in _ANY_PLACE.findall(text):
        name = inside.strip()
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise Invalid(f"“{{{{{inside}}}}}” is no field: a field is named in small letters, digits and underscores.")
        if name not in found:
            found.append(name)
    return found


def fill(text: str, words: Mapping[str, str]) -> str:
    """Put `words` in place of the fields. Raises Invalid, naming a field nothing is known of."""

    def word(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in words:
            raise Invalid(f"The text names a field “{name}” that does not exist.")
        return words[name]

    return PLACE.sub(word, text)


def html(body: str, words: Mapping[str, str]) -> str:
    """The document as HTML: h2, h3, p, ul, ol, li, strong, br only. A value never makes markup."""
    return "\n".join(_blocks(body.replace("\r\n", "\n"), words)) + "\n"


def _blocks(body: str, words: Mapping[str, str]) -> Iterator[str]:
    for block in re.split(r"\n\s*\n", body.strip()):
        lines = [line.strip() for line in block.split("\n") if line.strip()]
        plain: list[str] = []
        items: list[str] = []
        tag = ""
        for line in lines:
            heading, item = re.match(r"(#{1,2})\s+(.*)", line), _ITEM.fullmatch(line)
            kind = "" if item is None else "ul" if item.group(1) else "ol"
            if heading or kind != tag or (plain and kind):
                yield from _end(plain, items, tag)
                plain, items, tag = [], [], kind
            if heading:
                level = len(heading.group(1)) + 1
                yield f"<h{level}>{_inline(heading.group(2), words)}</h{level}>"
            elif item:
                items.append(_inline(item.group(2), words))
            else:
                plain.append(_inline(line, words))
        yield from _end(plain, items, tag)


def _end(plain: list[str], items: list[str], tag: str) -> Iterator[str]:
    if plain:
        yield f"<p>{'<br>'.join(plain)}</p>"
    if items:
        yield f"<{tag}>" + "".join(f"<li>{item}</li>" for item in items) + f"</{tag}>"


def _inline(text: str, words: Mapping[str, str]) -> str:
    marked = _BOLD.sub(r"<strong>\1</strong>", escape(text))
    return fill(marked, {name: escape(word).replace("\n", "<br>") for name, word in words.items()})


def words_of(fields: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> dict[str, str]:
    """The values of a contract as they stand in its text."""
    return {field["name"]: word(FieldType(field["type"]), values.get(field["name"])) for field in fields}


def word(kind: FieldType, value: Any) -> str:
    """One value in words; nothing where an optional field was left empty."""
    if value is None:
        return "—"
    match kind:
        case FieldType.AMOUNT:
            return format_money(Money(value["minor"], value["currency"]), code=True)
        case FieldType.PERCENT:
            return f"{value}%"
        case FieldType.DAY:
            return format_day(date.fromisoformat(value))
        case FieldType.YES_NO:
            return "yes" if value else "no"
        case _:
            return str(value)
