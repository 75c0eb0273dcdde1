"""Refusals and faults, mapped once: a toast for htmx, a page for people, problem+json for programs; no tracebacks."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException, InternalServerError, TooManyRequests

from app.core.errors import Refusal
from portals.web import htmx
from portals.web.appearance import back_url
from portals.web.jsonio import camel

API_PREFIX = "/api/"
SNAKE_PREFIX = "/api/v1/"


class _Told(Refusal):
    """An HTTP error in the words a refusal is shown in."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def _sentence(error: HTTPException) -> str:
    """What a person can do about an HTTP error."""
    words = {
        400: _("The request could not be read. Go back and try again."),
        401: _("Sign in to see this."),
        403: _("You may not see this."),
        404: _("There is nothing here. It may have been removed, or the address is wrong."),
        405: _("This cannot be done here. Go back and use the button on the page."),
        410: _("This is no longer available."),
        413: _("The file is too large."),
        415: _("Files of this kind cannot be read."),
        429: _("Too many tries. Wait a minute, then try again."),
        503: _("Quittance is busy or being updated. Try again in a moment."),
    }
    return words.get(error.code or 500, _("This did not work. Go back and try again."))


def problem(status: int, detail: str, *, fields: dict[str, str] | None = None) -> Response:
    """RFC 9457 problem details; `errors` names the fields at fault."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.path,
    }
    if fields:
        body["errors"] = fields
    return Response(json.dumps(body), status, content_type="application/problem+json")


def _for_program() -> bool:
    return request.path.startswith(API_PREFIX)


def answer_refusal(refusal: Refusal) -> Response:
    if _for_program():
        plain = request.path.startswith(SNAKE_PREFIX)
        fields = refusal.fields if plain else {camel(name): said for name, said in refusal.fields.items()}
        return problem(refusal.status, refusal.message, fields=fields)
    return htmx.refused(refusal)


def answer_http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400 or error.response is not None:  # a redirect raised as an exception, or a finished answer
        return error.get_response()  # type: ignore[return-value]
    answer = answer_refusal(_Told(_sentence(error), status))
    for name, value in error.get_headers(request.environ):
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    if isinstance(error, TooManyRequests):
        answer.headers.setdefault("Retry-After", "60")
    return answer


def answer_stale_form(error: CSRFError) -> Response:
    """The token is missing, old or of another session: nothing was done, and reloading mends it."""
    return answer_refusal(
        _Told(_("This page was open for too long. Reload it and try again; nothing was changed."), 400)
    )


def answer_unwritable(error: DataError) -> Response:
    """A zero byte in an address, a field or a JSON text: PostgreSQL holds none. Any other is our own fault."""
    if "NUL (0x00)" not in str(error.orig) and "\\u0000" not in str(error.orig):
        raise error
    return answer_refusal(_Told(_("The request has characters that cannot be kept. Remove them and try again."), 400))


def answer_fault(error: InternalServerError) -> Response:
    """Our own fault. The log has the details under the same reference."""
    reference = str(getattr(g, "request_id", "") or "–")
    if _for_program():
        return problem(500, f"Something went wrong on our side. Reference {reference}.")
    # htmx swaps no 5xx; the script shows a toast with the reference from X-Request-Id.
    body = "" if htmx.is_htmx() else render_template("errors/fault.html", reference=reference, retry_url=_retry_url())
    return Response(body, 500, content_type="text/html; charset=utf-8")


def _retry_url() -> str:
    return request.full_path.rstrip("?") if request.method == "GET" else back_url("/")


def init_app(app: Flask) -> None:
    app.register_error_handler(Refusal, answer_refusal)
    app.register_error_handler(CSRFError, answer_stale_form)
    app.register_error_handler(DataError, answer_unwritable)
    app.register_error_handler(HTTPException, answer_http_error)
    app.register_error_handler(InternalServerError, answer_fault)
