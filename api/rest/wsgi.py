"""Addresses as clients of Camunda write them, made the ones that we have; and pages from other origins."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, request

from api import origins
from api.rest.errors import PREFIX

DEFAULT_ENGINE = re.compile(rf"^{PREFIX}/engine/default(?=/|$)")
SLASHES = re.compile(r"//+")
CORS = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Accept-Language, Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}


class Addresses:
    """`//deployment` is `/deployment` (the Modeler keeps a typed slash), and so is `/engine/default/…`."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """WSGI."""
        path = SLASHES.sub("/", environ.get("PATH_INFO", ""))
        if path.startswith(PREFIX):
            environ["PATH_INFO"] = DEFAULT_ENGINE.sub(PREFIX, path)
        return self.app(environ, start_response)


def register(app: Flask) -> None:
    """Set both to work."""
    app.wsgi_app = Addresses(app.wsgi_app)  # type: ignore[method-assign]
    app.after_request(_leave)


def _leave(response: Response) -> Response:
    """An origin of the settings may read; any other is answered as if it had not said where it comes from."""
    if not request.path.startswith(PREFIX):
        return response
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept-Language, Authorization, Cookie, Origin"
    if origin := origins.named():
        response.headers["Access-Control-Allow-Origin"] = origin
        if request.method == "OPTIONS":
            response.headers.update(CORS)
    return response
