"""The home page: what flow200 is, how much it holds now, and where to begin. Works without JavaScript."""

from typing import Any

from flask import Blueprint, Response, abort, render_template, request, send_from_directory, url_for

from api import http
from api.errors import language
from api.product import product, session
from api.records import counts
from api.settings import ROOT

blueprint = Blueprint("pages", __name__, template_folder="templates")
PICTURES = ROOT / "docs" / "pictures"
DRAWN = ("incident_200.svg", "escalation.svg")


@blueprint.get("/")
def home() -> Response:
    """The page in the language of the reader, with who is signed in."""
    with product().database.read() as connection:
        found = counts(connection)
    return shown("home.html", counts=found, here=request.host_url.rstrip("/"))


@blueprint.get("/pictures/<name>")
def picture(name: str) -> Response:
    """The rendered diagrams."""
    if name not in DRAWN:
        abort(404)
    return send_from_directory(PICTURES, name, max_age=3600)


def shown(template: str, **given: Any) -> Response:
    """A page in the language of the reader or of `lang` in the address, with a link to the other language.

    A page with a form may send it to us, tells us alone where it came from (else a browser would send
    `Origin: null`), and is kept in no cache, for it is one person's.
    """
    zh, known = language() == "zh", session()
    asked = {name: request.args[name] for name in ("next", "lang") if name in request.args}
    other = url_for(str(request.endpoint), **(asked | {"lang": "en" if zh else "zh-CN"}))  # type: ignore[arg-type]
    html = render_template(template, zh=zh, session=known, asked=asked, other=other, **given)
    page = Response(html, mimetype="text/html")
    page.headers["Content-Language"] = "zh-CN" if zh else "en"
    page.headers["Vary"] = "Accept-Language, Cookie"
    if known or template == "login.html":
        page.headers["Content-Security-Policy"] = http.policy(form_action="'self'")
        page.headers["Referrer-Policy"] = "same-origin"
        page.headers["Cache-Control"] = "no-store"
    return page
