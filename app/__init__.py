"""The business of Quittance: imports neither Flask nor RQ."""
