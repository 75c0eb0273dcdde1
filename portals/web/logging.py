"""One line per request and per fault, as JSON (or text), with the request's id and without secrets.

What never gets in: query strings, bodies, cookies, headers other than the request id, tokens in paths, e-mails,
long digit runs (accounts, cards), and passwords in URLs inside exception texts.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
from typing import Any
from uuid import uuid4

from flask import Flask, Response, g, has_request_context, request
from flask.signals import got_request_exception

from app.core.clock import utc_now
from app.core.settings import settings

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_REDACTIONS = (
    # What SQLAlchemy and PostgreSQL add to their errors: the values of the row.
    (re.compile(r"\[parameters: .*?\](?=\n|$)", re.DOTALL), "[parameters hidden]"),
    (re.compile(r"Failing row contains \(.*?\)\.?(?=\n|$)", re.DOTALL), "Failing row hidden."),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@:]*:[^\s/@]+@"), r"\1[redacted]@"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "[e-mail]"),
    (
        re.compile(
            r"(?i)\b(password|secret|token|api[_-]?key|authorization|cookie|iban)(\W{0,2}[=:]\W{0,2})[^\s,;'\"&)]+"
        ),
        r"\1\2[redacted]",
    ),
    (re.compile(r"(?<![\w-])\d(?: ?\d){9,}(?![\w-])"), "[digits]"),
    (re.compile(r"\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b"), "[iban]"),
    # A sign-in, invitation or API token: 20 or more letters and digits in one piece. Ids are UUIDs, which stay.
    (re.compile(r"(?<![\w-])(?![0-9a-f]{8}-[0-9a-f]{4}-)(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{20,}(?![\w-])"), "[token]"),
)

access = logging.getLogger("quittance.request")
fault = logging.getLogger("quittance.fault")


def redact(text: str) -> str:
    """The text without what must not be kept."""
    for pattern, replacement in _REDACTIONS:
        text = pattern.sub(replacement, text)
    return text


def safe_path() -> str:
    """The path with every URL parameter that is no id, slug or number replaced, and never the query."""
    path = request.path
    for name, value in (request.view_args or {}).items():
        if name.startswith(("token", "secret", "code", "signature", "key")) and isinstance(value, str) and value:
            path = path.replace(value, f"[{name}]")
    return redact(path)


class JsonLines(logging.Formatter):
    """{"at", "level", "logger", "message", …extra fields}."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_fields(record), default=str, ensure_ascii=False)


class TextLines(logging.Formatter):
    """The same for people: `03:19:35 INFO quittance.request GET /vendor 200 12ms`."""

    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        head = f"{fields.pop('at')[11:19]} {fields.pop('level'):<7} {fields.pop('logger')} {fields.pop('message')}"
        trace = fields.pop("trace", "")
        rest = " ".join(f"{name}={value}" for name, value in fields.items())
        return f"{head} {rest}".rstrip() + (f"\n{trace}" if trace else "")


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "at": utc_now().isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
        "message": redact(record.getMessage()),
    }
    if has_request_context():
        fields["request_id"] = getattr(g, "request_id", None)
    fields.update(getattr(record, "fields", {}))
    if record.exc_info and record.exc_info[0] is not None:
        fields["error"] = record.exc_info[0].__name__
        fields["trace"] = redact("".join(traceback.format_exception(*record.exc_info)))
    return fields


def configure() -> None:
    """Send every logger of the process to standard error in the chosen format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextLines() if settings().log_format == "text" else JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("httpx", "httpcore", "weasyprint", "fontTools", "werkzeug", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _start() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
    g.started = time.perf_counter()


def _account_id() -> str | None:
    actor = getattr(g, "actor", None)
    found = getattr(actor, "account_id", None)
    return str(found) if found else None


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = getattr(g, "request_id", "")
    if request.path.startswith("/static/") or request.path in ("/health", "/ready"):
        return response
    took = round((time.perf_counter() - getattr(g, "started", time.perf_counter())) * 1000, 1)
    fields = {
        "method": request.method,
        "path": safe_path(),
        "status": response.status_code,
        "ms": took,
        "account_id": _account_id(),
    }
    access.info("%s %s %s", request.method, fields["path"], response.status_code, extra={"fields": fields})
    return response


def _log_fault(sender: Flask, exception: BaseException, **_extra: Any) -> None:
    fault.error(
        "unhandled %s",
        type(exception).__name__,
        exc_info=exception,
        extra={"fields": {"method": request.method, "path": safe_path()}},
    )


def init_app(app: Flask) -> None:
    """Request ids and both kinds of lines. `configure()` belongs where a process starts; tests keep their handlers."""
    app.before_request(_start)
    app.after_request(_finish)
    got_request_exception.connect(_log_fault, app)
    app.logger.handlers.clear()
    app.logger.disabled = True  # Flask would write the raw traceback and the full URL; `_log_fault` writes ours
