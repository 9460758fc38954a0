"""`python -m api.migrations "what changed"` writes the next revision from the difference of the tables."""

import sys

from api.migrations import revise, upgrade
from engine.store import Database

scratch = Database("sqlite://")
upgrade(scratch)
revise(scratch, sys.argv[1])
