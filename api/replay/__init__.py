"""Plays an incident log of another tool through our process, in a scratch database, and compares what came out."""
