"""Launcher of flow200: puts the product's packages on the path and offers `create_app` to WSGI servers.

The wheel keeps `engine`, `handlers`, `api` and `bpmn` below `flow200/app`, so that it adds one name to
site-packages; in a checkout they lie beside this package (docs/decisions/0002-one-name-in-the-wheel.md).
"""

import sys
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

_app = Path(__file__).parent / "app"
if _app.is_dir() and str(_app) not in sys.path:
    sys.path.insert(0, str(_app))


def create_app(*args: Any, **kwargs: Any) -> Any:
    """The WSGI application (`gunicorn 'flow200:create_app()'`); see `api.app.create_app`."""
    from api.app import create_app as create

    return create(*args, **kwargs)
