"""What the address of a page asks for. Nonsense is left out, not refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from flask import request
from flask_babel import gettext as _

from app.core.errors import Invalid
from app.db.paging import MAX_LIMIT
from portals.web import paging
from portals.web.asked import EARLIEST, LATEST
from portals.web.filters import capped

__all__ = ["Applied", "capped", "chosen_ids", "day", "month", "one_id", "one_of", "without"]

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Applied:
    """A filter that is on: what it is, its value in words, and the address without it."""

    label: str
    value: str
    url: str


def day(args: Mapping[str, str], name: str) -> date | None:
    """An ISO day of these centuries: at the ends of the calendar there is no day after, or none elsewhere."""
    try:
        found = date.fromisoformat(args.get(name, ""))
    except ValueError:
        return None
    return found if EARLIEST <= found <= LATEST else None


_MONTH = re.compile(r"(19|20)\d\d-(0[1-9]|1[0-2])", re.ASCII)


def month(args: Mapping[str, str], name: str) -> date | None:
    """The first day of a month like 2026-11."""
    wanted = args.get(name, "")
    return date(int(wanted[:4]), int(wanted[5:]), 1) if _MONTH.fullmatch(wanted) else None


def one_id(args: Mapping[str, str], name: str) -> UUID | None:
    try:
        return UUID(args.get(name, ""))
    except ValueError:
        return None


def one_of(choices: type[Choice], args: Mapping[str, str], name: str) -> Choice | None:
    wanted = args.get(name, "")
    return choices(wanted) if wanted in set(choices) else None


def chosen_ids() -> list[UUID]:
    """The ticked rows of a list, once each. Raises Invalid for none, too many, or what is no id."""
    texts = list(dict.fromkeys(request.values.getlist("id")))
    try:
        ids = [UUID(text) for text in texts]
    except ValueError:
        raise Invalid(_("One of the chosen rows is not known. Reload the page and choose again.")) from None
    if not ids:
        raise Invalid(_("Choose at least one row."))
    if len(ids) > MAX_LIMIT:
        raise Invalid(_("At most %(n)s rows can be changed at once.", n=MAX_LIMIT))
    return ids


def without(name: str) -> str:
    """This page's address with one filter taken off."""
    return paging.url_with(**{name: None})
