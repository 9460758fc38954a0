"""The login page in a real browser, which minds cookies, policies and origins more than a test client does.

The service is asked as `bank.test` over plain http: there the browser says `Origin`, but no `Sec-Fetch-Site`.
"""

from collections.abc import Iterator
from threading import Thread

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

WIDTHS = (1280, 390)
ATTACK = """<form method="post" action="{url}/logout"><input name="csrf_token" value="guess"></form>
<script>document.forms[0].submit()</script>"""


@pytest.fixture
def service(app: Flask) -> Iterator[str]:
    """The service on a port of its own; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://bank.test:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A window of a browser that speaks English and runs no scripts."""
    context = chromium.new_context(locale="en-GB", java_script_enabled=False)
    yield context.new_page()
    context.close()


def sign_in(page: Page, password: str = "password-of-lina") -> None:
    """Fill the form as a person does."""
    page.get_by_label("Account").fill("lina")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_a_person_signs_in_and_out_without_scripts(service: str, page: Page) -> None:
    page.goto(service)
    page.get_by_role("link", name="Sign in").click()
    sign_in(page)
    expect(page.get_by_text("李娜")).to_be_visible()
    page.goto(f"{service}/api/v1/tasks")
    assert '"items"' in page.content()
    page.goto(service)

    page.get_by_role("button", name="Sign out").click()

    expect(page).to_have_url(f"{service}/login")
    assert page.context.cookies() == []


def test_a_wrong_password_leaves_the_account_in_the_form(service: str, page: Page) -> None:
    page.goto(f"{service}/login")

    sign_in(page, "wrong")

    expect(page.get_by_role("alert")).to_have_text("Account or password is wrong.")
    expect(page.get_by_label("Account")).to_have_value("lina")
    expect(page.get_by_label("Password")).to_have_value("")
    expect(page.get_by_label("Password")).to_be_focused()


def test_a_chosen_language_stays_through_login_and_logout(service: str, page: Page) -> None:
    page.goto(service)
    page.get_by_role("link", name="中文").click()
    page.get_by_role("link", name="登录").click()
    page.get_by_label("帐号").fill("lina")
    page.get_by_label("密码").fill("password-of-lina")
    page.get_by_role("button", name="登录").click()

    page.get_by_role("button", name="退出登录").click()

    expect(page.get_by_role("heading")).to_contain_text("登录")


@pytest.mark.parametrize("address", ["", "/login"])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_the_window(service: str, chromium: Browser, address: str, width: int) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 800})

    page.goto(service + address)

    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()


@pytest.mark.parametrize("attacker", ["http://evil.test", "http://evil.bank.test"])
def test_a_page_of_another_origin_signs_nobody_out(service: str, chromium: Browser, attacker: str) -> None:
    context = chromium.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(f"{service}/login")
    sign_in(page)
    expect(page.get_by_text("李娜")).to_be_visible()
    attack = ATTACK.format(url=service)
    page.route(f"{attacker}/**", lambda route: route.fulfill(body=attack, content_type="text/html"))

    page.goto(f"{attacker}/")
    page.wait_for_url(f"{service}/**")

    page.goto(service)
    expect(page.get_by_text("李娜")).to_be_visible()
    context.close()
