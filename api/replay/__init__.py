"""Plays the incident log of another tool through our process and compares what came out."""
