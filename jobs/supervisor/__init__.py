"""`python -m jobs.supervisor`: the whole demo under one parent that starts, watches and stops it."""
