"""PostgreSQL 18 and Valkey 9 from Python wheels, run as our own children: for the demo, development and tests.

Production sets DATABASE_URL and REDIS_URL and starts nothing here. A started server dies with the thread that started
it, even on kill -9 (Linux), so start it from the main thread. Nothing here imports Flask or redis.

Commands: `with ensure_services(settings().data_dir, prepare=upgrade): ...` attaches to a running demo, else starts its
own servers.
"""

from app.db.embedded.children import CannotStart, die_with_parent
from app.db.embedded.folder import DataFolder, FolderInUse
from app.db.embedded.postgres import FAST, SAFE, Postgres
from app.db.embedded.services import Services, attach, ensure_services, start_stores
from app.db.embedded.valkey import Valkey

__all__ = [
    "FAST",
    "SAFE",
    "CannotStart",
    "DataFolder",
    "FolderInUse",
    "Postgres",
    "Services",
    "Valkey",
    "attach",
    "die_with_parent",
    "ensure_services",
    "start_stores",
]
