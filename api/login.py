"""Signing in and out with a browser: two forms, without JavaScript."""

import re

from flask import Blueprint, Response, redirect, request, url_for

from api import auth, http, origins, sessions
from api.errors import EdgeError, InvalidRequest, Unauthenticated, WrongSignIn
from api.pages import shown
from api.product import now, product, session

blueprint = Blueprint("login", __name__)
ACCOUNT_LENGTH = 100
# A browser takes `\` for `/` and drops control characters: neither may stand in an address of ours.
LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,1999}")


@blueprint.get("/login")
def page() -> Response:
    """The form to sign in with; who is signed in goes on to `next`, an address of this service."""
    return _onward() if session() else _form()


@blueprint.post("/login")
def login() -> Response:
    """Sign in: a new session, its token in a cookie; then on to `next`."""
    try:
        token = _signed_in()
    except EdgeError as error:
        return _form(error)
    response = _onward()
    sessions.give(response, token)
    return response


@blueprint.post("/logout")
def logout() -> Response:
    """Sign out: the session ends, the cookie goes."""
    if token := sessions.given():
        with product().database.write() as connection:
            sessions.end(connection, token)
    response: Response = redirect(url_for("login.page", lang=request.args.get("lang")), 303)  # type: ignore[assignment]
    sessions.take_back(response)
    return response


def local(wanted: str | None) -> str:
    """`wanted` if it is an address of this service, else the home page."""
    return wanted if wanted and LOCAL.fullmatch(wanted) else "/"


def _signed_in() -> str:
    """The token of a new session.

    Raises ForeignOrigin, BadText, InvalidRequest, WrongSignIn, TooManyAttempts.
    """
    origins.refuse_unless_ours()
    account, password = request.form.get("account", "").strip(), request.form.get("password", "")
    _check("account", account, ACCOUNT_LENGTH)
    _check("password", password, auth.LONGEST)
    parts = product()
    try:
        person, stored = auth.known(parts.doorkeeper, parts.database, account, password, now())
        with parts.database.write() as connection:
            auth.still(connection, person, stored)
            return sessions.begin(connection, person.id, now(), parts.settings, instead_of=sessions.given())
    except Unauthenticated as error:
        raise WrongSignIn from error


def _check(name: str, value: str, longest: int) -> None:
    http.refuse_nul(value)
    if not value:
        raise InvalidRequest({name: {"zh": "必填。", "en": "Missing data for required field."}})
    if len(value) > longest:
        raise InvalidRequest(
            {name: {"zh": f"不能超过 {longest} 个字符。", "en": f"Longer than {longest} characters."}}
        )


def _onward() -> Response:
    where = local(request.args.get("next"))
    if where == "/" and "lang" in request.args:
        where = url_for("pages.home", lang=request.args["lang"])
    response: Response = redirect(where, 303)  # type: ignore[assignment]
    response.headers["Cache-Control"] = "no-store"
    return response


def _form(error: EdgeError | None = None) -> Response:
    account = request.form.get("account", "")[:ACCOUNT_LENGTH] if error else ""
    page = shown("login.html", error=error, account=account.replace("\0", ""))
    if error:
        page.status_code = error.status
        page.headers.update(error.headers)
    return page
