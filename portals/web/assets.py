"""Static files under names that carry their content's hash, so that a browser may keep them for a year.

There is no build step: a file is read, hashed and compressed the first time it is asked for, then kept in memory.
`asset_url("app.js")` gives `/static/app.1f0c9a….js`. A style sheet's own `url("…")` references get their hash too.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, current_app, request

_URL_IN_CSS = re.compile(r'url\("([^":]+)"\)')
_HASHED = re.compile(r"^(?P<stem>.+)\.(?P<digest>[0-9a-f]{12})(?P<suffix>\.[a-z0-9]+)$")
_COMPRESSIBLE = frozenset({".css", ".js", ".svg", ".txt"})
_TYPES = {".js": "text/javascript", ".woff2": "font/woff2", ".svg": "image/svg+xml"}

bp = Blueprint("assets", __name__)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent: `hashed_name` is its address below /static/."""

    hashed_name: str
    digest: str
    content_type: str
    body: bytes
    gzipped: bytes | None
    changed_ns: int


class Assets:
    """The static folder, read once per file; in debug mode again when a file changes."""

    def __init__(self, folder: Path, *, watch: bool = False) -> None:
        self._folder = folder.resolve()
        self._watch = watch
        self._seen: dict[str, Asset] = {}

    def find(self, name: str) -> Asset | None:
        """The file of that plain name, or None when there is none."""
        known = self._seen.get(name)
        if known is not None and not self._watch:
            return known
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            return None
        changed = path.stat().st_mtime_ns
        if known is not None and known.changed_ns == changed:
            return known
        asset = self._read(path, name, changed)
        self._seen[name] = asset
        return asset

    def _read(self, path: Path, name: str, changed: int) -> Asset:
        body = path.read_bytes()
        if path.suffix == ".css":
            body = _URL_IN_CSS.sub(self._hashed_reference, body.decode()).encode()
        digest = hashlib.sha256(body).hexdigest()[:12]
        stem, _, suffix = name.rpartition(".")
        kind = _TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        if kind.startswith("text/") or kind == "image/svg+xml":
            kind += "; charset=utf-8"
        gzipped = gzip.compress(body, 9, mtime=0) if path.suffix in _COMPRESSIBLE else None
        return Asset(f"{stem}.{digest}.{suffix}", digest, kind, body, gzipped, changed)

    def _hashed_reference(self, match: re.Match[str]) -> str:
        target = self.find(match[1])
        return f'url("{target.hashed_name}")' if target else match[0]


def asset_url(name: str) -> str:
    """The address of a static file, hash included. Raises LookupError for a file that is not there."""
    asset = current_app.extensions["quittance_assets"].find(name)
    if asset is None:
        raise LookupError(f"no static file {name!r}")
    return f"/static/{asset.hashed_name}"


@bp.get("/static/<path:name>")
def static_file(name: str) -> Response:
    assets: Assets = current_app.extensions["quittance_assets"]
    match = _HASHED.match(name)
    asset = assets.find(match["stem"] + match["suffix"]) if match else None
    current = asset is not None and match is not None and asset.digest == match["digest"]
    asset = asset or assets.find(name)
    if asset is None:
        abort(404)
    zipped = asset.gzipped is not None and "gzip" in request.headers.get("Accept-Encoding", "")
    response = Response(asset.gzipped if zipped else asset.body, content_type=asset.content_type)
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    if asset.gzipped is not None:
        response.headers["Vary"] = "Accept-Encoding"
    # An old or missing hash still gets the present file, but may not keep it: the name no longer says what is inside.
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if current else "public, no-cache"
    response.set_etag(asset.digest)
    return response.make_conditional(request)  # type: ignore[return-value]


def init_app(app: Flask, folder: Path) -> None:
    app.extensions["quittance_assets"] = Assets(folder, watch=app.debug)
    app.register_blueprint(bp)
    app.jinja_env.globals["asset_url"] = asset_url
