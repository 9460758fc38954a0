"""`make reliability` asks for these; `make test` leaves them out, since they take minutes."""

import os

collect_ignore_glob = [] if os.environ.get("FLOW200_RELIABILITY") == "1" else ["test_*.py"]
