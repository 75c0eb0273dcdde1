"""Repeatable measurements: each script starts its own servers, prints ratios of one run and stops. See docs/performance.md."""
