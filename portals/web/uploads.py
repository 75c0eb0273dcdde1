"""Uploads: looked at, put into the store between two transactions, and kept when the form comes back with a question.

    form = BillForm()                                  # a FilesForm
    if form.accepts_with_files():                      # what was chosen is in the store now
        with form.refusals():
            service.submit(db(), g.actor, …)
            for upload in form.uploads: files.add(db(), g.actor, upload.inspected, upload.key, …)

A browser forgets chosen files when a form is answered with errors; `form.uploads` does not: each travels on as a signed
field, whatever else is wrong with the form. A box that is no longer ticked takes its file off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from flask import abort, current_app, g, request
from flask import session as cookie
from flask_babel import gettext as _
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.datastructures import FileStorage

from app.core.errors import Invalid
from app.files.sniffing import Inspected, inspect
from app.files.storage import StorageUnavailable, storage
from portals.web import db, idempotency
from portals.web.forms import OnceForm

_A_DAY = 24 * 3600
KEPT = "kept_file"


@dataclass(frozen=True, slots=True)
class Upload:
    """Bytes in the store under `key`; `token` stands for it in a form of the same account or browser."""

    inspected: Inspected
    key: str
    token: str


class FilesForm(OnceForm):
    """A form with a `MultipleFileField` named `files`. `uploads` are the files kept so far.

    `only`: the extensions taken, None for all that are safe; `other_kinds` says where the others go.
    """

    most_files = 10
    only: frozenset[str] | None = None
    other_kinds: Any = ""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.uploads: list[Upload] = _kept_so_far()

    def accepts_with_files(self) -> bool:
        """`accepts`, keeping what was chosen even where another field is wrong."""
        valid = self.accepts()
        if not self.is_submitted() or "csrf_token" in self.errors:
            return False
        return self.receive() and valid

    def receive(self) -> bool:
        """Store what was chosen now. A file that is refused is named at the field and makes it False; the others are
        kept."""
        chosen = [file for file in request.files.getlist("files") if file.filename]
        field = self._fields["files"]
        if len(chosen) + len(self.uploads) > self.most_files:
            field.errors = [*field.errors, _("Send at most %(n)s files.", n=self.most_files)]
            return False
        looked: list[tuple[Inspected, bytes]] = []
        for file in chosen:
            try:
                looked.append(self._look(file))
            except Invalid as refusal:
                field.errors = [*field.errors, refusal.message]
        try:
            self.uploads += keep(looked)
        except StorageUnavailable:
            field.errors = [*field.errors, _("The file could not be kept just now. Try again in a minute.")]
        return not field.errors

    def _look(self, file: FileStorage) -> tuple[Inspected, bytes]:
        """Raises Invalid naming the file."""
        content = file.stream.read()
        file.stream.seek(0)
        name = file.filename or ""
        if self.only is not None and name.rpartition(".")[2].lower() not in self.only and self.other_kinds:
            raise Invalid(_("%(name)s %(why)s", name=name[:120], why=self.other_kinds))
        try:
            return inspect(content, name, only=self.only), content
        except Invalid as refusal:
            raise Invalid(f"{name[:120]}: {refusal.message}") from None


def keep(looked: Sequence[tuple[Inspected, bytes]]) -> list[Upload]:
    """Put each file into the store; call before the first change of the request. Raises StorageUnavailable."""
    if not looked:
        return []
    idempotency.release()
    with db.paused():
        keys = [storage().put(content) for _inspected, content in looked]
    # None for who has no account: their forms have no key.
    repeated = idempotency.begin(g.account.account_id) if "account" in g else None
    if repeated is not None:  # the same form was sent twice, and the other one was faster
        abort(repeated)
    return [_upload(inspected, key) for (inspected, _content), key in zip(looked, keys, strict=True)]


def copies(uploads: Sequence[Upload], times: int) -> list[list[Upload]]:
    """The same files so many times more, for rows of their own; call before the first change of the request.

    Raises StorageUnavailable.
    """
    if not uploads or times < 1:
        return [[] for _ in range(times)]
    idempotency.release()
    made: list[list[Upload]] = [[] for _ in range(times)]
    with db.paused():
        for upload in uploads:
            content = storage().get(upload.key)
            for one in made:
                one.append(Upload(upload.inspected, storage().put(content), ""))
    repeated = idempotency.begin(g.account.account_id)
    if repeated is not None:
        abort(repeated)
    return made


def fetch(key: str) -> bytes:
    """The bytes of a file whose row was read in this request. Raises NotFound, Damaged, StorageUnavailable."""
    with db.paused():
        return storage().get(key)


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt=f"kept-file-{_owner()}")


def _owner() -> str:
    """The account, or this browser before there is one."""
    if "account" in g:
        return str(g.account.account_id)
    return str(cookie.setdefault("uploads_of", uuid4().hex))


def _upload(inspected: Inspected, key: str) -> Upload:
    token = _signer().dumps([inspected.name, inspected.content_type, inspected.size_bytes, inspected.sha256, key])
    return Upload(inspected, key, str(token))


def _kept_so_far() -> list[Upload]:
    """Those that came back in the form; what we did not sign for this account, or long ago, is left out."""
    found = []
    for token in request.form.getlist(KEPT)[:20]:
        try:
            name, content_type, size_bytes, sha256, key = _signer().loads(token, max_age=_A_DAY)
        except (BadData, ValueError):
            continue
        found.append(Upload(Inspected(name, content_type, size_bytes, sha256), key, token))
    return found
