"""The chaos run: payouts over every simulated provider while calls, webhooks, workers and stores fail."""
