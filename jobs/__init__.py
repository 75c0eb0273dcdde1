"""Background work: relay, workers, schedule, and the supervisor of the demo."""
