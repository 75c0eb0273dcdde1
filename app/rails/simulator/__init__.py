"""The provider behind the simulated rail: a process of its own, as a real provider is.

It is outside Quittance and keeps its own books (a SQLite file), so that what it was asked and what it "paid" can be
compared with what Quittance believes. Run it with `python -m app.rails.simulator`; docs/simulator.md describes it.
"""

from app.rails.simulator.server import serve

__all__ = ["serve"]
