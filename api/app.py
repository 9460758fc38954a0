"""The composition root: settings → database → engine with the desk as its domain → blueprints."""

import logging
from pathlib import Path

from flask import Flask, Response, g, request
from sqlalchemy import make_url

from api import auth, errors, http, pages, rest, settings, v1
from api.product import Clock, Product, product, system_clock
from api.v1 import schemas
from engine.core import Engine
from engine.store import Database
from handlers.desk import Desk

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def create_app(chosen: settings.Settings | None = None, clock: Clock | None = None) -> Flask:
    """The WSGI application; the settings come from the environment if none are given.

    Nothing is started: no thread, no migration; the database connects at the first request.
    """
    chosen = chosen or settings.load()
    app = Flask("api", root_path=str(settings.ROOT / "api"), static_folder=None)
    app.logger.setLevel(logging.INFO)
    app.config.update(
        FLOW200=chosen,
        MAX_CONTENT_LENGTH=http.BODY_LIMIT,
        API_TITLE="flow200",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
    )
    app.json = http.Json(app, chosen.zone)
    app.extensions["flow200"] = _product(chosen, clock or system_clock)
    api = schemas.Api(app, spec_kwargs=schemas.OPENAPI)
    for blueprint in v1.BLUEPRINTS:
        api.register_blueprint(blueprint)
    rest.register(app)
    app.register_blueprint(pages.blueprint)
    errors.register(app)
    app.before_request(_enter)
    app.after_request(_leave)
    return app


def _product(chosen: settings.Settings, clock: Clock) -> Product:
    database, desk = _open(chosen.database_url), Desk()
    return Product(chosen, database, Engine(database, desk), desk, auth.Doorkeeper(), clock)


def _open(url: str) -> Database:
    where = make_url(url)
    if where.get_backend_name() == "sqlite" and where.database:
        Path(where.database).parent.mkdir(parents=True, exist_ok=True)
    return Database(url)


def _enter() -> None:
    http.refuse_nul(request.path)
    g.now = product().clock()
    public = request.endpoint in auth.PUBLIC | rest.PUBLIC or request.method == "OPTIONS"
    if request.endpoint and not public:
        g.person = auth.identify(product().doorkeeper, product().database, g.now)


def _leave(response: Response) -> Response:
    response.headers.update(HEADERS)
    if request.path.startswith("/api/"):
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "Accept-Language, Authorization"
    return response
