"""`python -m tests.checks.migrations`: the migrated database is what the models say, with one head. Exit 1 if not."""

from __future__ import annotations

import sys

from alembic.script import ScriptDirectory

from app.db.migrate import config, drift
from tests import stores


def main() -> int:
    heads = ScriptDirectory.from_config(config()).get_heads()
    if len(heads) != 1:
        print(f"The migrations have {len(heads)} heads: {', '.join(heads)}. Rebase one on the other.")
        return 1
    servers = stores.start()
    try:
        found = drift(servers.url(stores.TEMPLATE))
    finally:
        servers.stack.close()
    for change in found:
        print(change)
    if found:
        print("The models and the migrations differ: write a revision with `flask db revision --autogenerate -m ...`.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
