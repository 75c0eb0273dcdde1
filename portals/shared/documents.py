"""PDF documents as answers: not made again while the reader's copy still holds (ETag), never shown inside a page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeVar

from flask import Response, request
from flask_babel import gettext as _

from app.core.errors import Invalid
from app.pdf.render import TooLong

Document = TypeVar("Document")
_LAYOUT = "1"  # raise it when the templates of documents change, so that copies at hand are made anew


def pdf(document: Document, render: Callable[[Document], bytes], name: str) -> Response:
    """`document` as a download called `name`.pdf; 304 when the reader has this very one. Raises Invalid if too long.

    The same values give the same bytes, so the values alone make the tag and nothing is rendered for a 304.
    """
    tag = hashlib.sha256(f"{_LAYOUT}\0{document!r}".encode()).hexdigest()[:32]
    answer = Response(mimetype="application/pdf")
    answer.set_etag(tag)
    answer.headers["Cache-Control"] = "private, no-cache"  # kept, but asked for each time
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.pdf"'
    if request.if_none_match.contains(tag):
        answer.status_code = 304
        return answer
    try:
        answer.set_data(render(document))
    except TooLong:
        raise Invalid(_("This document would be too long. Download the CSV instead.")) from None
    return answer
