"""What a WSGI server and the `flask` command load: `wsgi:app`."""

from __future__ import annotations

from portals.factory import create_app
from portals.web import logging

logging.configure()
app = create_app()
