"""Language, number and date conventions of the reader, and the time zone dates are shown in."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, Domain

from app.core.clock import utc_now

LANGUAGES = ("en",)  # those with a catalogue, or the source language itself
DEFAULT_LOCALE = "en_US"
DEFAULT_ZONE = "UTC"


class ReaderDomain(Domain):
    """Finds the reader's catalogue once a request: Flask-Babel spells the locale out for each word of a page."""

    def get_translations(self) -> Any:
        if not has_request_context():
            return super().get_translations()
        found = getattr(g, "catalogue", None)
        if found is None:
            found = g.catalogue = super().get_translations()
        return found


class ReaderBabel(Babel):
    @property
    def domain_instance(self) -> Domain:
        return ReaderDomain(domain=self.domain)


babel = ReaderBabel()


@lru_cache(maxsize=256)
def _understood(tag: str) -> str | None:
    """ "en-GB" → "en_GB" when we speak the language and Babel knows the region's conventions."""
    if tag.split("-")[0].lower() not in LANGUAGES:
        return None
    try:
        locale = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return None
    return str(locale) if locale.territory else DEFAULT_LOCALE


def reader_locale() -> str:
    """The account's own choice (`g.locale`), else the browser's wish, else American English."""
    if not has_request_context():
        return DEFAULT_LOCALE
    chosen = getattr(g, "locale", None)
    if chosen:
        return str(chosen)
    for tag in request.accept_languages.values():
        found = _understood(tag)
        if found:
            return found
    return DEFAULT_LOCALE


def reader_zone() -> str:
    """The account's time zone (`g.tz`, an IANA name), else UTC."""
    zone = getattr(g, "tz", None) if has_request_context() else None
    return str(zone) if zone else DEFAULT_ZONE


def reader_today() -> date:
    """The day it is where the reader is."""
    return utc_now().astimezone(ZoneInfo(reader_zone())).date()


def init_app(app: Flask) -> None:
    app.config.setdefault("BABEL_DEFAULT_LOCALE", DEFAULT_LOCALE)
    babel.init_app(app, locale_selector=reader_locale, timezone_selector=reader_zone)
