"""Boards: which cards stand in which lane, and the links to those that are not shown at once.

A noun gives its columns, a function that makes its cards, and where further cards and the list stand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from flask import request
from flask_babel import gettext as _

from app.core.errors import Invalid
from app.core.money import Money
from app.db.paging import AnyRow, Page
from portals.web.status import badge_of

ROOM, LEAST, MORE = 42, 7, 25  # cards of the first page, of each column at least, of each further piece
Tag = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Card:
    """One card as `ui.project_card` draws it."""

    id: UUID
    ref: str
    title: str
    url: str
    move_url: str
    amount: Money | None
    tag: Tag | None
    version: int
    note: str
    files: int
    comments: int
    moves: list[tuple[str, Any, bool, str]]


@dataclass(frozen=True, slots=True)
class Lane:
    """One column: `rest` more cards worth `rest_sums` follow at `more_url`, or in the list. `locked`: none leaves."""

    name: str
    status: Any
    count: int
    sums: list[Money]
    cards: list[Card]
    rest: int
    rest_sums: list[Money]
    more_url: str
    list_url: str
    locked: bool = False


class Column(Protocol):
    """What a noun's queries say about one column; `sums` by currency."""

    @property
    def count(self) -> int: ...
    @property
    def sums(self) -> dict[str, int]: ...
    @property
    def cards(self) -> list[AnyRow]: ...


@dataclass(frozen=True, slots=True)
class Board:
    """`kind` of the status vocabulary. `more_url` and `list_url` take a lane's name, the first what follows too."""

    kind: str
    cards: Callable[[Sequence[AnyRow]], dict[UUID, Card]]
    after: Callable[[AnyRow], str]
    more_url: Callable[..., str]
    list_url: Callable[[str], str]
    locked: frozenset[StrEnum] = field(default_factory=frozenset)

    def lanes(self, columns: Mapping[Any, Column]) -> list[Lane]:
        """Every column with its share of the room; the cards are made in one go."""
        shown = shares({name: column.count for name, column in columns.items()}, ROOM, LEAST)
        rows = {name: column.cards[: shown[name]] for name, column in columns.items()}
        made = self.cards([row for found in rows.values() for row in found])
        return [self._lane(name, column, rows[name], made) for name, column in columns.items()]

    def _lane(self, name: StrEnum, column: Column, rows: Sequence[AnyRow], made: Mapping[UUID, Card]) -> Lane:
        mine, left = [made[row.id] for row in rows], dict(column.sums)
        _take_off(left, mine)
        rest = column.count - len(mine)
        return Lane(
            name.value, badge_of(self.kind, name), column.count, moneys(column.sums), mine, rest, moneys(left),
            self._more(name, self.after(rows[-1]) if rows else "", rest, left), self.list_url(name.value),
            name in self.locked,
        )  # fmt: skip

    def further(self, name: StrEnum, found: Page) -> Lane:
        """The next piece of a column; how many and how much is left comes with the address (`left`, `sum`)."""
        made, sums = list(self.cards(found.items).values()), _sums_left()
        _take_off(sums, made)
        rest = max(max(0, request.args.get("left", 0, type=int)) - len(made), 1) if found.next_cursor else 0
        return Lane(
            name.value, badge_of(self.kind, name), 0, [], made, rest, _known(sums),
            self._more(name, found.next_cursor or "", rest, sums), self.list_url(name.value), name in self.locked,
        )  # fmt: skip

    def _more(self, name: StrEnum, cursor: str, rest: int, sums: Mapping[str, int]) -> str:
        parts = [f"{currency}.{minor}" for currency, minor in sorted(sums.items()) if minor]
        return self.more_url(name.value, cursor=cursor, left=rest, sum=parts)


def shares(counts: Mapping[Any, int], room: int, least: int) -> dict[Any, int]:
    """How many cards each column shows of its own: at least `least`, together at most about `room`."""
    shown = {name: min(count, least) for name, count in counts.items()}
    spare = room - sum(shown.values())
    while spare > 0:
        wanting = [name for name in counts if shown[name] < counts[name]]
        if not wanting:
            break
        for name in wanting[:spare]:
            shown[name] += 1
            spare -= 1
    return shown


def moneys(sums: Mapping[str, int]) -> list[Money]:
    return [Money(minor, currency) for currency, minor in sorted(sums.items()) if minor]


def _take_off(sums: dict[str, int], cards: Sequence[Card]) -> None:
    for card in cards:
        if card.amount is not None and card.amount.currency in sums:
            sums[card.amount.currency] -= card.amount.minor


def _sums_left() -> dict[str, int]:
    sums: dict[str, int] = {}
    for part in request.args.getlist("sum")[:10]:
        currency, _dot, minor = part.partition(".")
        if minor.lstrip("-").isdecimal():
            sums[currency] = int(minor)
    return sums


def _known(sums: Mapping[str, int]) -> list[Money]:
    try:
        return moneys(sums)
    except ValueError:
        raise Invalid(_("This page link is not valid any more. Start from the first page.")) from None


def version_of(value: object) -> int | None:
    """What the person had on screen, as their form carried it."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def seen_version() -> int | None:
    return version_of(request.form.get("version"))
