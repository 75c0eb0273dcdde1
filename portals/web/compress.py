"""Pages and JSON compressed on their way out; static files are compressed once, in `assets`.

A page holds the CSRF token, and secrets compressed beside reflected text can be measured (BREACH). That needs many
signed-in requests made from another site, and cookies with SameSite=Lax are not sent with those.
"""

from __future__ import annotations

import gzip

from flask import Flask, Response, request

KINDS = frozenset({"text/html", "text/csv", "application/json", "application/problem+json"})
SMALLEST = 1024  # below, the headers weigh more than what is saved


def compress(response: Response) -> Response:
    if response.mimetype not in KINDS or response.direct_passthrough or response.is_streamed:
        return response
    response.vary.add("Accept-Encoding")
    if "Content-Encoding" in response.headers or not request.accept_encodings["gzip"]:
        return response
    body = response.get_data()
    if len(body) >= SMALLEST:
        response.set_data(gzip.compress(body, 5, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def init_app(app: Flask) -> None:
    app.after_request(compress)
