"""What the address of a page asks for: days, choices, organizations, ids. Nonsense is left out, not refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from flask import g, request
from flask_babel import gettext as _

from app.core.errors import Invalid, NotFound
from app.db.paging import CAP, MAX_LIMIT, AnyRow
from app.organizations import queries as organizations
from app.organizations.models import Organization
from portals.web import paging
from portals.web.db import db
from portals.web.filters import number


@dataclass(frozen=True, slots=True)
class Applied:
    """A filter that is on: what it is, its value in words, and the address without it."""

    label: str
    value: str
    url: str


def day(args: Mapping[str, str], name: str) -> date | None:
    """An ISO day, or None."""
    try:
        return date.fromisoformat(args.get(name, ""))
    except ValueError:
        return None


def capped(count: int) -> str:
    """ "1,000+" beyond what is counted."""
    return f"{number(CAP)}+" if count > CAP else number(count)


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


def organization_choices() -> Sequence[AnyRow]:
    """The organizations a filter offers, by name: the newest 200."""
    if "organization_choices" not in g:
        found = organizations.organizations(db(), limit=MAX_LIMIT).items
        g.organization_choices = sorted(found, key=lambda row: row.name.lower())
    rows: Sequence[AnyRow] = g.organization_choices
    return rows


def organization_named(slug: str) -> AnyRow | Organization | None:
    """The organization of a slug, None when there is none."""
    offered = next((row for row in organization_choices() if row.slug == slug), None)
    if offered is not None or not slug:
        return offered
    try:
        return organizations.by_slug(db(), slug)
    except NotFound:
        return None


def without(name: str) -> str:
    """This page's address with one filter taken off."""
    return paging.url_with(**{name: None})


def own_page(text: str) -> str:
    """`text` when it is the path of an admin page, else ""."""
    own = text.startswith("/admin/") and text.isprintable() and "\\" not in text and "/../" not in text
    return text if own else ""
