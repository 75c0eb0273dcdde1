"""Lists as CSV downloads, sent while they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flask import Response, stream_with_context

from app.core import csv


def csv_file(header: Sequence[str], rows: Iterator[Sequence[object]], name: str) -> Response:
    """`name` ends in .csv. The rows are read after the unit of work: see `portals.web.db`."""
    answer = Response(stream_with_context(csv.lines(header, rows)), content_type="text/csv; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer
