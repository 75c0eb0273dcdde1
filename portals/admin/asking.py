"""What the address of an admin page asks for: as everywhere, and organizations, which an admin chooses among."""

from __future__ import annotations

from collections.abc import Sequence

from flask import g

from app.core.errors import NotFound
from app.db.paging import MAX_LIMIT, AnyRow
from app.organizations import queries as organizations
from app.organizations.models import Organization
from portals.shared.asking import Applied, capped, chosen_ids, day, one_id, one_of, without
from portals.web.db import db

__all__ = [
    "Applied", "capped", "chosen_ids", "day", "one_id", "one_of", "organization_choices", "organization_named",
    "own_page", "without",
]  # fmt: skip


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


def own_page(text: str) -> str:
    """`text` when it is the path of an admin page, else ""."""
    own = text.startswith("/admin/") and text.isprintable() and "\\" not in text and "/../" not in text
    return text if own else ""
