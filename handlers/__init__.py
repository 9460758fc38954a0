"""Incident management (process 200) as decisions: pure functions and the tables they decide about."""
