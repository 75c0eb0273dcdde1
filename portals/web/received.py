"""What people and programs send, without the one character that no text column takes: an address or field with it would
be an error of ours.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.datastructures.structures import iter_multi_items

from app.core.errors import NotFound

NUL = "\x00"


class Received(ImmutableMultiDict[str, Any]):
    """Fields of a form or an address; uploaded files stay as they are."""

    def __init__(self, mapping: Any = None) -> None:
        pairs = [] if mapping is None else iter_multi_items(mapping)
        super().__init__([(name, _cleaned(value)) for name, value in pairs])


class CleanRequest(Request):
    parameter_storage_class = Received


def _cleaned(value: Any) -> Any:
    return value.replace(NUL, "") if isinstance(value, str) else value


def _refuse() -> None:
    if NUL in request.path:
        raise NotFound("There is nothing here.")


def init_app(app: Flask) -> None:
    app.request_class = CleanRequest
    app.before_request(_refuse)
