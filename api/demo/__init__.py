"""The day of a bank that `flow200 demo` plays: `day.toml` tells it, `day.py` plans it, `play.py` does it."""
