"""The Flask application: everything of `portals.web`, then every portal that exists."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

from flask import Flask
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix

from app.core.crypto import derived_secret
from app.core.settings import settings
from app.identity.states import Portal
from app.metadata import metadata
from portals import cli
from portals.shared import auth
from portals.web import db, idempotency, session, setup
from portals.web.setup import MAX_UPLOAD, ROOT, TEMPLATES

# Each module has `bp`, or several in `blueprints`; importing it imports the views of its package. A new portal is one
# line here.
PORTALS = (
    "portals.public",
    "portals.vendor",
    "portals.contractor",
    "portals.creator",
    "portals.consultant",
    "portals.client",
    "portals.org",
    "portals.admin",
    "portals.vendor.api",
    "portals.contractor.api",
    "portals.creator.api",
    "portals.consultant.api",
    "portals.api",
    "portals.webhooks",
)
SANDBOX_ONLY = ("portals.dev", "portals.web.components_page")


def create_app() -> Flask:
    """Touches no database: it is opened by the first request that needs it."""
    given = settings()
    app = Flask("quittance", template_folder=str(TEMPLATES), static_folder=None, root_path=str(ROOT))
    app.secret_key = derived_secret("cookie")
    # Flask knows these names, so defaults set later would not count.
    app.config.update(MAX_CONTENT_LENGTH=MAX_UPLOAD, MAX_FORM_MEMORY_SIZE=4 * 1024 * 1024, MAX_FORM_PARTS=20_000)
    if given.trusted_proxies:
        hops = given.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    setup.init_app(app)
    session.init_app(app)
    # What is registered last runs first after a request: note the repeatable answer, commit, then log and headers.
    db.init_app(app)
    idempotency.init_app(app)
    for portal in Portal:
        app.register_blueprint(auth.blueprint(portal))
    for name in PORTALS + (SANDBOX_ONLY if given.sandbox else ()):
        module = importlib.import_module(name)
        for bp in getattr(module, "blueprints", None) or (module.bp,):
            app.register_blueprint(bp)
    Migrate(app, SimpleNamespace(metadata=metadata), directory=str(ROOT / "migrations"))
    cli.init_app(app)
    return app
