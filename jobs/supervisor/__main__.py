"""Exit 0 when asked to stop, 1 when something could not start or ended by itself."""

from __future__ import annotations

import sys

from jobs.supervisor.demo import main

if __name__ == "__main__":
    sys.exit(main())
