"""Geometry of a bar chart drawn by the server: x in percent of the width, y in pixels, so labels never scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.money import Money, exponent
from portals.web.filters import NONE, money

BASE_Y = 212.0  # the zero line
TOP_Y = 32.0  # the highest tick
INTERVALS = 3
GAP = 2.0  # between stacked blocks, so that colour is not all that tells them apart
BAR_SHARE = 0.56  # of a column's width
MAX_SERIES = 5


@dataclass(frozen=True, slots=True)
class Tick:
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """`series` counts from 1 and picks the colour."""

    series: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    left: float
    bar_left: float
    middle: float
    blocks: tuple[Block, ...]
    tooltip: str
    cells: tuple[str, ...]
    total: str
    keep: bool  # its label stays on narrow screens


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    axis: str
    summary: str
    series: tuple[str, ...]
    ticks: tuple[Tick, ...]
    columns: tuple[Column, ...]
    step: float
    bar_width: float


def nice_ceiling(value: int) -> int:
    """The smallest of 3, 6, 12, 15, 30, 60, 120 … that is no smaller: divides by three into round figures."""
    scale = 1
    while True:
        for step in (3, 6, 12):
            if step * scale >= value:
                return step * scale
        if 15 * scale >= value:
            return 15 * scale
        scale *= 10


def bar_chart(
    title: str,
    axis: str,
    series: Sequence[str],
    columns: Sequence[tuple[str, Sequence[int]]],
    *,
    currency: str,
    summary: str,
) -> Chart:
    """`columns`: (label, minor units per series). Amounts below zero are not drawn. Raises ValueError."""
    if not 1 <= len(series) <= MAX_SERIES or any(len(values) != len(series) for _label, values in columns):
        raise ValueError(f"one to {MAX_SERIES} series, and as many amounts in each column")
    highest = max((sum(values) for _label, values in columns), default=0)
    unit = 10 ** exponent(currency)
    top = nice_ceiling(max(-(-highest // unit), 1)) * unit
    step = 100 / len(columns) if columns else 100.0
    bar_width = step * BAR_SHARE
    ticks = tuple(
        Tick(
            round(BASE_Y - (BASE_Y - TOP_Y) * part / INTERVALS, 1),
            money(Money(top * part // INTERVALS, currency), drop_zeros=True),
        )
        for part in range(INTERVALS + 1)
    )
    drawn = tuple(
        _column(index, label, list(values), list(series), step=step, top=top, currency=currency)
        for index, (label, values) in enumerate(columns)
    )
    return Chart(title, axis, summary, tuple(series), ticks, drawn, round(step, 3), round(bar_width, 3))


def _column(
    index: int, label: str, values: list[int], series: list[str], *, step: float, top: int, currency: str
) -> Column:
    blocks, at = [], BASE_Y
    for number, value in enumerate(values, 1):
        if value <= 0:
            continue
        height = (BASE_Y - TOP_Y) * value / top
        blocks.append(Block(number, round(at - height, 1), round(max(height - (GAP if blocks else 0), 1), 1)))
        at -= height
    texts = [money(Money(value, currency)) if value else NONE for value in values]
    total = money(Money(sum(values), currency))
    lines = [f"{name} {text}" for name, text, value in zip(series, texts, values, strict=True) if value]
    left = index * step
    return Column(
        label=label,
        left=round(left, 3),
        bar_left=round(left + step * (1 - BAR_SHARE) / 2, 3),
        middle=round(left + step / 2, 3),
        blocks=tuple(blocks),
        tooltip="\n".join([f"{label}: {total}", *lines]),
        cells=tuple(texts),
        total=total,
        keep=index % 2 == 1 or step > 20,
    )
