"""Pages travel compressed to who can read it; what is small, streamed or compressed already is left alone."""

from __future__ import annotations

import gzip

from flask import Flask, Response
from flask.testing import FlaskClient

ZIPPED = {"Accept-Encoding": "br;q=0, gzip"}


def test_a_page_is_compressed_for_who_can_read_it(client: FlaskClient) -> None:
    answer = client.get("/dev/components/sign-in", headers=ZIPPED)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert b"Sign in to get paid" in gzip.decompress(answer.data)
    for wish in ({}, {"Accept-Encoding": "gzip;q=0"}):
        plain = client.get("/dev/components/sign-in", headers=wish)
        assert "Content-Encoding" not in plain.headers and "Sign in to get paid" in plain.text
        assert "Accept-Encoding" in plain.headers["Vary"]


def test_fragments_keep_what_they_vary_by(client: FlaskClient) -> None:
    vary = client.get("/dev/components/", headers=ZIPPED).headers["Vary"]
    assert {"HX-Request", "HX-Request-Type", "Accept-Encoding"} <= {name.strip() for name in vary.split(",")}


def test_small_streamed_and_binary_answers_are_left_alone(app: Flask) -> None:
    app.add_url_rule("/small", "small", view_func=lambda: "ok")
    rows = (row for row in ["a,b\n"] * 999)
    app.add_url_rule("/rows.csv", "rows", view_func=lambda: Response(rows, mimetype="text/csv"))
    app.add_url_rule("/advice.pdf", "advice", view_func=lambda: Response(b"%PDF" * 999, mimetype="application/pdf"))
    for path in ("/small", "/rows.csv", "/advice.pdf"):
        assert "Content-Encoding" not in app.test_client().get(path, headers=ZIPPED).headers, path
