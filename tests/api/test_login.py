"""Signing in with a browser: sessions in the database, their limits, what other sites cannot do with them."""

import re
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from api import auth, sessions
from api.app import create_app
from api.errors import Unauthenticated
from api.settings import Settings
from api.tables import session
from handlers.tables import person
from tests.api.v1.conftest import CALL
from tests.conftest import FAST, MONDAY, Client, Clock

HOST = "http://localhost"
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
HOSTILE = [
    *("//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example"),
    *("https://evil.example", "https:evil.example", "javascript:alert(1)", "evil.example", "/ok\\x"),
    *("/ok\r\nSet-Cookie: a=b", "/\x00", " //evil.example", "/ ", "", "/" + "x" * 2001),
]


class Browser:
    """A browser at one service: it keeps cookies and says where it comes from."""

    def __init__(self, app: Flask, host: str = HOST) -> None:
        self.app, self.host, self.http = app, host, app.test_client()

    def get(self, path: str, **more: Any) -> TestResponse:
        """GET of a page, without following a redirect."""
        more["headers"] = {**HTML, "Accept-Language": "en", **more.get("headers", {})}
        return self.http.get(path, base_url=self.host, **more)

    def post(self, path: str, form: Any = None, **more: Any) -> TestResponse:
        """POST of a form from a page of the service; `headers` replace what the browser would say."""
        said = {**HTML, "Accept-Language": "en", "Origin": self.host, **more.pop("headers", {})}
        headers = {name: value for name, value in said.items() if value is not None}
        more = {"method": "POST", **more}
        return self.http.open(path, base_url=self.host, headers=headers, data=form, **more)

    def sign_in(
        self, account: str = "lina", password: str | None = None, where: str = "/login"
    ) -> TestResponse:
        """Answer the login form."""
        return self.post(where, {"account": account, "password": password or f"password-of-{account}"})

    def csrf(self) -> str:
        """The token in the form of the home page."""
        return re.findall(r'name="csrf_token" value="([^"]+)"', self.get("/").text)[0]

    @property
    def token(self) -> str | None:
        """What stands in the cookie."""
        found = [c for c in self.http._cookies.values() if c.key.endswith("flow200")]  # type: ignore[union-attr]
        return found[0].value if found else None

    def signed_in(self) -> bool:
        """Whether the interface answers to the cookie."""
        return self.get("/api/v1/tasks").status_code == 200


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A browser that nobody has used yet."""
    return Browser(app)


@pytest.fixture
def page_for_people(app: Flask) -> str:
    """The address of a page that needs a person."""
    app.add_url_rule("/desk", "pages.desk", lambda: "the desk")
    return "/desk"


def rows(app: Flask) -> list[sa.Row[Any]]:
    """The sessions as they are stored."""
    with app.extensions["flow200"].database.read() as connection:
        return list(connection.execute(sa.select(session).order_by(session.c.created_at)))


def test_after_the_login_the_home_page_says_who_it_is_and_signs_out(browser: Browser) -> None:
    assert "Sign in" in browser.get("/").text and "李娜" not in browser.get("/").text

    answer = browser.sign_in()

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    home = browser.get("/")
    assert "李娜" in home.text and "Sign out" in home.text and "Sign in" not in home.text
    assert home.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("asked", "word"), [("zh-CN", "退出登录"), ("en", "Sign out")])
def test_pages_speak_the_language_of_the_address_before_that_of_the_browser(
    browser: Browser, asked: str, word: str
) -> None:
    browser.sign_in()

    page = browser.get(f"/?lang={asked}", headers={"Accept-Language": "fr"})

    assert word in page.text and f'<html lang="{asked}">' in page.text
    assert page.headers["Content-Language"] == asked


def test_a_chosen_language_and_the_way_on_outlive_the_login(browser: Browser) -> None:
    page = browser.get("/login?lang=zh-CN&next=/api/v1/tasks")
    home = browser.sign_in(where="/login?lang=zh-CN")

    assert "/login?next=/api/v1/tasks&amp;lang=en" in page.text
    assert home.headers["Location"] == "/?lang=zh-CN"


def test_the_cookie_is_for_no_script_and_no_other_site(app: Flask) -> None:
    plain, secure = Browser(app).sign_in(), Browser(app, "https://bank.example").sign_in()

    assert re.fullmatch(r"flow200=[\w-]{43}; HttpOnly; Path=/; SameSite=Lax", plain.headers["Set-Cookie"])
    assert re.fullmatch(
        r"__Host-flow200=[\w-]{43}; Secure; HttpOnly; Path=/; SameSite=Lax", secure.headers["Set-Cookie"]
    )


def test_behind_a_proxy_with_tls_the_cookie_is_secure_too(app: Flask) -> None:
    browser = Browser(app, "http://bank.example")

    answer = browser.post(
        "/login",
        {"account": "lina", "password": "password-of-lina"},
        headers={"Origin": "https://bank.example"},
    )

    assert (
        answer.headers["Set-Cookie"].startswith("__Host-flow200=")
        and "Secure" in answer.headers["Set-Cookie"]
    )


def test_over_https_a_cookie_that_anybody_could_have_set_counts_for_nothing(app: Flask) -> None:
    attacker = Browser(app, "https://bank.example")
    attacker.sign_in()
    victim = Browser(app, "https://bank.example")
    victim.http.set_cookie("flow200", str(attacker.token), domain="bank.example")

    assert not victim.signed_in()
    assert attacker.signed_in()


@pytest.mark.parametrize(
    ("account", "password"),
    [("lina", "guess"), ("nobody", "guess"), ("zhangmin", "guess"), ("LINA", "password-of-lina")],
)
def test_a_wrong_sign_in_does_not_say_what_was_wrong(app: Flask, account: str, password: str) -> None:
    browser = Browser(app)

    answer = browser.sign_in(account, password)

    assert answer.status_code == 401 and not answer.headers["WWW-Authenticate"].startswith("Basic")
    assert "Account or password is wrong." in answer.text
    shown = re.sub(f'value="{account}"', "", answer.text)
    assert shown == re.sub('value="x"', "", browser.sign_in("x", "x").text)
    assert "Set-Cookie" not in answer.headers and rows(app) == []


def test_too_many_wrong_passwords_are_told_with_the_seconds(browser: Browser, clock: Clock) -> None:
    for _ in range(auth.WRONG_ALLOWED):
        browser.sign_in(password="wrong")

    refused = browser.sign_in()

    assert refused.status_code == 429 and refused.headers["Retry-After"] == "301"
    assert "try again in 301 seconds" in refused.text
    clock.pass_(minutes=5)
    assert browser.sign_in().status_code == 303


@pytest.mark.parametrize(
    ("form", "status", "sentence"),
    [
        ({}, 422, "Account: Missing data"),
        ({"account": "lina"}, 422, "Password: Missing data"),
        ({"account": "x" * 101, "password": "x"}, 422, "Account: Longer than 100 characters."),
        ({"account": "lina", "password": "x" * 1025}, 422, "Password: Longer than 1024 characters."),
        ({"account": "li\0na", "password": "x"}, 400, "U+0000"),
        ({"account": "lina", "password": "\0"}, 400, "U+0000"),
        ({"account": "<script>alert(1)</script>", "password": "x"}, 401, "&lt;script&gt;"),
        ({"account": "lina\r\nSet-Cookie: a=b", "password": "x"}, 401, "wrong"),
    ],
)
def test_what_cannot_be_a_sign_in_is_told_by_field_and_changes_nothing(
    app: Flask, browser: Browser, form: dict[str, str], status: int, sentence: str
) -> None:
    answer = browser.post("/login", form)

    assert answer.status_code == status and sentence in answer.text
    assert "Set-Cookie" not in answer.headers and "<script" not in answer.text
    assert rows(app) == []


def test_a_form_that_is_larger_than_any_answer_is_refused(browser: Browser) -> None:
    answer = browser.post("/login", {"account": "lina", "password": "x" * 2_000_000})

    assert (answer.status_code, answer.json["code"]) == (413, "body-too-large")


def test_the_way_on_is_taken_after_the_login(browser: Browser, page_for_people: str) -> None:
    sent = browser.get(f"{page_for_people}?group=WG-SD&q=柜面")
    assert (sent.status_code, sent.headers["Cache-Control"]) == (303, "no-store")
    assert "WWW-Authenticate" not in sent.headers

    onward = browser.sign_in(where=sent.headers["Location"])

    assert sent.headers["Location"].startswith("/login?next=/desk?group%3DWG-SD%26q%3D")
    assert onward.headers["Location"] == f"{page_for_people}?group=WG-SD&q=%E6%9F%9C%E9%9D%A2"
    assert browser.get(onward.headers["Location"]).status_code == 200
    assert browser.get(sent.headers["Location"]).headers["Location"] == onward.headers["Location"]


@pytest.mark.parametrize("wanted", HOSTILE)
def test_a_way_on_that_leaves_this_service_leads_home(browser: Browser, wanted: str) -> None:
    answer = browser.post(
        "/login", {"account": "lina", "password": "password-of-lina"}, query_string={"next": wanted}
    )

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert len(answer.headers.getlist("Set-Cookie")) == 1


def test_only_a_person_with_a_browser_is_led_to_the_login_page(
    browser: Browser, page_for_people: str
) -> None:
    program = browser.get(page_for_people, headers={"Accept": "*/*"})
    wrong = browser.get(page_for_people, auth=("lina", "wrong"))
    interface = browser.get("/api/v1/tasks")
    camunda = browser.get("/engine-rest/task")

    for answer in (program, wrong, interface, camunda):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert browser.post(page_for_people).status_code == 405
    assert browser.post("/logout").headers["Location"] == "/login"


def test_a_login_gives_a_new_token_and_ends_the_old_session(app: Flask, browser: Browser) -> None:
    browser.http.set_cookie("flow200", "planted-by-somebody")
    browser.sign_in()
    first = browser.token
    assert first not in (None, "planted-by-somebody")

    browser.sign_in("chengang")

    assert browser.token not in (first, "planted-by-somebody")
    assert [row.staff_no for row in rows(app)] == ["chengang"]
    stolen = Browser(app)
    stolen.http.set_cookie("flow200", str(first))
    assert not stolen.signed_in()


def test_only_the_hash_of_the_token_is_stored(app: Flask, browser: Browser) -> None:
    browser.sign_in()

    (row,) = rows(app)
    assert len(row.token_hash) == 64
    assert browser.token not in tuple(row)
    assert (row.staff_no, row.created_at, row.seen_at) == ("lina", MONDAY, MONDAY)


def test_a_token_that_was_stolen_opens_nothing_after_the_logout(app: Flask, browser: Browser) -> None:
    browser.sign_in()
    thief = Browser(app)
    thief.http.set_cookie("flow200", str(browser.token))
    assert thief.signed_in()

    answer = browser.post("/logout", {"csrf_token": browser.csrf()})

    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert "Max-Age=0" in answer.headers["Set-Cookie"] and browser.token is None
    assert not thief.signed_in()
    assert rows(app) == []


def test_a_session_ends_when_nothing_was_asked_for_half_an_hour(browser: Browser, clock: Clock) -> None:
    browser.sign_in()
    clock.pass_(minutes=29, seconds=59)
    assert browser.signed_in()
    clock.pass_(minutes=29, seconds=59)
    assert browser.signed_in()

    clock.pass_(minutes=30)

    answer = browser.get("/api/v1/tasks")
    assert (answer.status_code, answer.json["code"]) == (401, "session-ended")
    assert not answer.headers["WWW-Authenticate"].startswith("Basic")
    assert "Sign in" in browser.get("/").text


def test_a_session_ends_twelve_hours_after_the_login_however_busy_it_was(
    browser: Browser, clock: Clock
) -> None:
    browser.sign_in()
    for _ in range(12 * 3 - 1):
        clock.pass_(minutes=20)
        assert browser.signed_in()

    clock.pass_(minutes=20)

    assert not browser.signed_in()


def test_the_limits_are_settings(installed_url: str, clock: Clock) -> None:
    app = create_app(Settings(database_url=installed_url, session_idle_minutes=5, session_hours=1), clock)
    browser = Browser(app)
    browser.sign_in()
    (row,) = rows(app)
    assert (row.expires_at - row.created_at).total_seconds() == 300

    clock.pass_(minutes=5)

    assert not browser.signed_in()
    app.extensions["flow200"].database.close()


def test_it_is_written_down_once_a_minute_that_a_session_was_seen(
    app: Flask, browser: Browser, clock: Clock
) -> None:
    browser.sign_in()
    clock.pass_(seconds=59)
    assert browser.signed_in() and rows(app)[0].seen_at == MONDAY

    clock.pass_(seconds=1)

    assert browser.signed_in() and rows(app)[0].seen_at == clock.now


def test_a_login_removes_what_has_expired_but_not_everything_at_once(
    app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "REMOVED_AT_ONCE", 2)
    for _ in range(4):
        Browser(app).sign_in()
    clock.pass_(minutes=20)
    Browser(app).sign_in("chengang")
    clock.pass_(minutes=10)

    Browser(app).sign_in("zhenghao")
    assert len(rows(app)) == 4
    Browser(app).sign_in("zhenghao")

    assert [row.staff_no for row in rows(app)] == ["chengang", "zhenghao", "zhenghao"]


def test_who_is_deactivated_loses_the_session_at_the_next_request(app: Flask, browser: Browser) -> None:
    browser.sign_in()
    with app.extensions["flow200"].database.write() as connection:
        connection.execute(sa.update(person).where(person.c.staff_no == "lina").values(active=False))

    assert not browser.signed_in()

    assert rows(app) == []
    with app.extensions["flow200"].database.write() as connection:
        connection.execute(sa.update(person).where(person.c.staff_no == "lina").values(active=True))
    assert not browser.signed_in()


def test_a_new_password_ends_all_sessions_of_the_person_and_no_other(app: Flask) -> None:
    here, there, other = Browser(app), Browser(app), Browser(app)
    here.sign_in()
    there.sign_in()
    other.sign_in("chengang")

    with app.extensions["flow200"].database.write() as connection:
        auth.set_password(connection, "lina", "another-password", FAST)

    assert not here.signed_in() and not there.signed_in()
    assert other.signed_in()


def test_a_login_with_a_password_that_is_changed_meanwhile_is_refused(app: Flask) -> None:
    parts = app.extensions["flow200"]
    lina, stored = auth.known(parts.doorkeeper, parts.database, "lina", "password-of-lina", MONDAY)
    with parts.database.write() as connection:
        auth.set_password(connection, "lina", "another-password", FAST)

    with parts.database.write() as connection, pytest.raises(Unauthenticated):
        auth.still(connection, lina, stored)


def test_a_login_and_a_new_password_at_the_same_moment_leave_no_session(app: Flask) -> None:
    parts = app.extensions["flow200"]
    lina, stored = auth.known(parts.doorkeeper, parts.database, "lina", "password-of-lina", MONDAY)

    def change() -> None:
        with parts.database.write() as connection:
            auth.set_password(connection, "lina", "another-password", FAST)

    changing = Thread(target=change)
    with parts.database.write() as connection:
        auth.still(connection, lina, stored)
        changing.start()
        changing.join(0.5)
        assert changing.is_alive()
        sessions.begin(connection, "lina", MONDAY, parts.settings)
    changing.join()

    assert rows(app) == []


def test_two_web_processes_share_the_sessions(app: Flask, installed_url: str, clock: Clock) -> None:
    second = create_app(Settings(database_url=installed_url), clock)
    browser, elsewhere = Browser(app), Browser(second)
    browser.sign_in()
    elsewhere.http.set_cookie("flow200", str(browser.token))
    assert elsewhere.signed_in()

    elsewhere.post("/logout", {"csrf_token": elsewhere.csrf()})

    assert not browser.signed_in()
    second.extensions["flow200"].database.close()


def test_a_password_by_http_basic_wins_over_a_session(app: Flask, browser: Browser) -> None:
    browser.sign_in()

    both = browser.post(
        "/api/v1/incidents",
        json=CALL,
        auth=("chengang", "password-of-chengang"),
    )
    wrong = browser.get("/api/v1/tasks", auth=("lina", "wrong"))

    assert (both.status_code, both.json["recorded_by"]) == (201, "chengang")
    assert wrong.status_code == 401 and wrong.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize("path", ["/api/v1/incidents", "/engine-rest/task", "/api/v1/docs"])
def test_links_into_the_interface_can_be_followed(browser: Browser, path: str) -> None:
    browser.sign_in()

    assert browser.get(path).status_code == 200


def test_a_change_with_the_token_of_the_session_is_taken(browser: Browser) -> None:
    browser.sign_in()

    answer = browser.post("/api/v1/incidents", json=CALL, headers={"X-CSRF-Token": browser.csrf()})

    assert answer.status_code == 201


@pytest.mark.parametrize("token", [None, "", "wrong", "é", "of another"])
def test_a_change_without_the_token_of_the_session_is_refused(
    app: Flask, browser: Browser, token: str | None
) -> None:
    browser.sign_in()
    other = Browser(app)
    other.sign_in()
    said = other.csrf() if token == "of another" else token

    answer = browser.post("/api/v1/incidents", json=CALL, headers={"X-CSRF-Token": said})

    assert (answer.status_code, answer.json["code"]) == (403, "csrf-refused")
    assert browser.get("/api/v1/incidents").json["items"] == []
    assert browser.post("/logout", {"csrf_token": said or ""}).status_code == 403 and browser.signed_in()


@pytest.mark.parametrize(
    "said",
    [
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:81"},
        {"Origin": "file://"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
def test_a_change_that_no_page_of_ours_asked_for_is_refused(
    app: Flask, browser: Browser, said: dict[str, str | None]
) -> None:
    browser.sign_in()
    token = browser.csrf()

    answer = browser.post("/api/v1/incidents", json=CALL, headers={"X-CSRF-Token": token, **said})
    login = Browser(app).post("/login", {"account": "lina", "password": "password-of-lina"}, headers=said)

    assert (answer.status_code, answer.json["code"]) == (403, "foreign-origin")
    assert login.status_code == 403 and "Set-Cookie" not in login.headers
    assert browser.get("/api/v1/incidents").json["items"] == []


def test_what_the_browser_says_of_the_page_decides_where_a_proxy_has_changed_the_host(
    browser: Browser,
) -> None:
    answer = browser.post(
        "/login",
        {"account": "lina", "password": "password-of-lina"},
        headers={"Origin": "https://bank.example", "Sec-Fetch-Site": "same-origin"},
    )

    assert answer.status_code == 303


def test_no_route_that_changes_anything_is_open_to_a_cookie_alone(app: Flask, browser: Browser) -> None:
    browser.sign_in()

    tried = list(_refused_to_a_cookie(app, browser))

    assert len(tried) > 30 and "POST /logout" in tried
    assert browser.signed_in()


def _refused_to_a_cookie(app: Flask, browser: Browser) -> Iterator[str]:
    open_to_all = {"login.login", "rest-identity.verify"}
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}:
            if rule.endpoint in open_to_all:
                continue
            path = re.sub(r"<[^>]+>", "x1", re.sub(r"<int[:(][^>]+>", "1", rule.rule))
            answer = browser.post(path, method=method, headers={"Accept-Language": "zh-CN"})
            assert answer.status_code == 403 and "CSRF" in answer.json["message"], (method, path)
            yield f"{method} {rule.rule}"


def test_only_pages_with_a_form_may_send_one(browser: Browser) -> None:
    home, login = browser.get("/"), browser.get("/login")
    browser.sign_in()
    signed, tasks = browser.get("/"), browser.get("/api/v1/tasks")

    for page, policy in ((home, "'none'"), (login, "'self'"), (signed, "'self'"), (tasks, "'none'")):
        assert f"form-action {policy};" in page.headers["Content-Security-Policy"]
    for page in (login, signed):
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "same-origin"
        assert "<script" not in page.text and re.findall(r'(?:src|href|action)="(?!/)[^"]*"', page.text) == []


def test_both_documents_name_the_cookie_beside_basic(client: Client) -> None:
    for path in ("/openapi.json", "/engine-rest/openapi.json"):
        document = client.as_(None).get(path).json

        assert document["security"] == [{"basic": []}, {"cookie": []}]
        scheme = document["components"]["securitySchemes"]["cookie"]
        assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "cookie", sessions.COOKIE)
