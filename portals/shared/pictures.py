"""A picture of a person: sent with a form, kept as a small square, shown in pages."""

from __future__ import annotations

from flask import Response, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import ServiceUnavailable
from wtforms import MultipleFileField

from app.consultations.directory import Picture
from app.core.errors import Invalid
from app.files.pictures import KINDS, square
from app.files.sniffing import Inspected
from app.files.storage import StorageUnavailable
from portals.web.uploads import FilesForm, Upload, fetch

A_WHILE = 300


class PictureForm(FilesForm):
    """One picture; another one takes the place of the first."""

    most_files = 1
    only = KINDS
    files = MultipleFileField(
        _l("Picture"), description=_l("PNG, JPEG or WebP up to 8 MB; its middle square is shown.")
    )

    def receive(self) -> bool:
        if any(file.filename for file in request.files.getlist("files")):
            self.uploads = []
        return super().receive()

    def _look(self, file: FileStorage) -> tuple[Inspected, bytes]:
        try:
            return square(file.stream.read(), file.filename or "")
        except Invalid as refusal:
            raise Invalid(_("%(name)s: %(why)s", name=(file.filename or "")[:120], why=refusal.message)) from None
        finally:
            file.stream.seek(0)

    @property
    def picture(self) -> Upload | None:
        return self.uploads[0] if self.uploads else None


def show(found: Picture, *, public: bool = False) -> Response:
    """The picture itself; a browser asks again only whether it is still the same. 503 while the store is away."""
    if request.if_none_match.contains(found.sha256):
        answer = Response(status=304)
    else:
        try:
            answer = Response(fetch(found.storage_key), content_type=found.content_type)
        except StorageUnavailable:
            raise ServiceUnavailable() from None
    answer.set_etag(found.sha256)
    answer.headers["Cache-Control"] = f"{'public' if public else 'private'}, max-age={A_WHILE if public else 0}"
    answer.headers["Content-Disposition"] = "inline"
    return answer
