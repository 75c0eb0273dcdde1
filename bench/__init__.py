"""Repeatable measurements: each script starts its own servers and prints ratios of one run (docs/performance.md)."""
