"""Consultants whose calendar at Cal.com takes their bookings: the link they give, and whether it counts here.

It counts where the deployment has the embed and the webhook's secret: without news from there no booking would arrive.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from app.core.errors import Invalid
from app.core.settings import settings

# name, name/event, or team/name/event
_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,2}")
LONGEST = 200


def configured() -> bool:
    return bool(settings().calcom_embed_url and settings().calcom_webhook_secret)


def takes_bookings(calendar_link: str | None) -> bool:
    """Whether the calendar elsewhere is asked for a consultant's times, and not the hours they keep here."""
    return bool(calendar_link) and configured()


def script_origin() -> str:
    parts = urlsplit(settings().calcom_embed_url)
    return f"{parts.scheme}://{parts.netloc}"


def page_origin() -> str:
    """Where people open a link: at Cal.com itself not where its script comes from."""
    return script_origin().replace("://app.", "://", 1)


def link(text: str) -> str | None:
    """`name/event` of what a consultant writes: that, or the address of the page. None for nothing.

    Raises Invalid for another host, and for anything that is no page of a person or a team.
    """
    text = text.strip()
    if not text:
        return None
    hosts = {urlsplit(one).netloc for one in (script_origin(), page_origin())}
    path = text
    if "://" in text or text.lower().startswith(tuple(hosts)):
        parts = urlsplit(text if "://" in text else f"https://{text}")
        if parts.netloc.lower() not in hosts or parts.scheme not in ("https", urlsplit(script_origin()).scheme):
            raise _refused(f"Give a page at {urlsplit(page_origin()).netloc}.")
        path = parts.path
    path = path.strip("/")
    if len(path) > LONGEST or not _PATH.fullmatch(path):
        raise _refused("Write it as name/event, or copy the address of your booking page.")
    return path


def number(text: str) -> str:
    """A booking's number, of the number itself or the address of its page. "" for nothing that could be one."""
    found = text.strip().partition("?")[0].rstrip("/").rpartition("/")[2]
    return found if found and len(found) <= LONGEST and found.isprintable() and " " not in found else ""


def handle(calendar_link: str | None) -> str | None:
    """Whose page it is; None for a team's, where whoever has time is the host."""
    first = (calendar_link or "").partition("/")[0].lower()
    return first if first and first != "team" else None


def _refused(sentence: str) -> Invalid:
    return Invalid(sentence, fields={"link": sentence})
