"""From whose page a browser sent a request: ours, one that may ask all the same, or somebody else's."""

from flask import current_app, request

from api.errors import ForeignOrigin

MODELER = "file://"  # what Camunda Modeler says; no website can, and a browser says "null" of a local file


def refuse_unless_ours() -> None:
    """For what a cookie signs, and the login: raise ForeignOrigin unless the browser names a page of ours."""
    if not _ours():
        raise ForeignOrigin


def refuse_foreign() -> None:
    """For what HTTP Basic signs: raise ForeignOrigin if the browser names a page of somebody else.

    A browser remembers the password and adds it to whatever any page asks. Programs name no page.
    """
    allowed = named() or request.headers.get("Origin") == MODELER
    if _ours() is False and not allowed:
        raise ForeignOrigin


def named() -> str | None:
    """The request's origin if FLOW200_CORS_ORIGINS lists it."""
    origin = request.headers.get("Origin")
    return origin if origin in current_app.config["FLOW200"].cors_origins.split() else None


def _ours() -> bool | None:
    """Whether a page of ours sent this; None if no page is named.

    Sec-Fetch-Site decides where there is one, for no page can set it; else the origin must be our host, by
    either scheme, since a proxy may have taken the TLS off.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site == "none" or not (site or origin is not None):
        return None
    if site:
        return site == "same-origin"
    return origin in (f"http://{request.host}", f"https://{request.host}")
