"""The home page: what flow200 is, how much it holds now, and where to begin. Works without JavaScript."""

from flask import Blueprint, Response, abort, render_template, request, send_from_directory

from api.errors import language
from api.product import product
from api.records import counts
from api.settings import ROOT

blueprint = Blueprint("pages", __name__, template_folder="templates")
PICTURES = ROOT / "docs" / "pictures"
DRAWN = ("incident_200.svg", "escalation.svg")


@blueprint.get("/")
def home() -> str:
    """The page in the language of the reader."""
    with product().database.read() as connection:
        found = counts(connection)
    return render_template(
        "home.html", zh=language() == "zh", counts=found, here=request.host_url.rstrip("/")
    )


@blueprint.get("/pictures/<name>")
def picture(name: str) -> Response:
    """The rendered diagrams."""
    if name not in DRAWN:
        abort(404)
    return send_from_directory(PICTURES, name, max_age=3600)
