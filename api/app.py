"""The composition root: settings → database → engine with the desk as its domain → blueprints."""

import logging
from pathlib import Path

from flask import Flask, g, redirect, request, url_for
from sqlalchemy import make_url
from werkzeug.wrappers import Response

from api import auth, errors, http, login, origins, pages, rest, sessions, settings, v1
from api.errors import SessionEnded, Unauthenticated
from api.product import Clock, Product, product, session, system_clock
from api.v1 import schemas
from engine.core import Engine
from engine.ports import Actor
from engine.store import Database
from handlers.desk import Desk

HEADERS = {
    "Content-Security-Policy": http.policy(),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
SAFE = ("GET", "HEAD")
INTERFACES = ("/api/", "/engine-rest")  # for programs: never led to the login page


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
    app.extensions["flow200"] = compose(chosen, clock or system_clock)
    api = schemas.Api(app, spec_kwargs=schemas.OPENAPI)
    for blueprint in v1.BLUEPRINTS:
        api.register_blueprint(blueprint)
    rest.register(app)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(login.blueprint)
    errors.register(app)
    app.before_request(_enter)
    app.after_request(_leave)
    return app


def compose(chosen: settings.Settings, clock: Clock) -> Product:
    """The parts of a service: what a process remembers between two requests is in them, and nowhere else."""
    database, desk = _open(chosen.database_url), Desk()
    return Product(chosen, database, Engine(database, desk), desk, auth.Doorkeeper(), clock)


def _open(url: str) -> Database:
    where = make_url(url)
    if where.get_backend_name() == "sqlite" and where.database:
        Path(where.database).parent.mkdir(parents=True, exist_ok=True)
    return Database(url)


def _enter() -> Response | None:
    http.refuse_nul(request.path)
    g.now = product().clock()
    public = request.endpoint in auth.PUBLIC | rest.PUBLIC or request.method == "OPTIONS"
    if request.endpoint and not public:
        try:
            g.person = _identified()
        except Unauthenticated:
            if not _wants_page():
                raise
            return _to_login()
    return None


def _identified() -> Actor:
    """Who asks: HTTP Basic wins over a session.

    A change by a session must come from a page of ours, one by HTTP Basic from no page of somebody else.

    Raises Unauthenticated, SessionEnded, TooManyAttempts, ForeignOrigin, CsrfRefused.
    """
    changes = request.method not in SAFE
    if "Authorization" in request.headers or not sessions.given():
        if changes:
            origins.refuse_foreign()
        return auth.identify(product().doorkeeper, product().database, g.now)
    if (found := session()) is None:
        raise SessionEnded
    if changes:
        sessions.refuse_forgery(found)
    return found.person


def _wants_page() -> bool:
    """Whether a person looks at a page with a browser, and did not try a password by HTTP Basic."""
    kinds = request.accept_mimetypes.best_match(["application/json", "text/html"])
    ours = not request.path.startswith(INTERFACES) and "Authorization" not in request.headers
    return ours and kinds == "text/html"


def _to_login() -> Response:
    """To the login page, and from there back to what was looked at."""
    seen = request.full_path.rstrip("?") if request.method == "GET" else None
    response = redirect(url_for("login.page", next=seen), 303)
    response.headers["Cache-Control"] = "no-store"
    return response


def _leave(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/api/"):
        response.headers["Vary"] = "Accept-Language, Authorization, Cookie"
    if request.path.startswith("/api/") or "person" in g:
        response.headers["Cache-Control"] = "no-store"
    return response
