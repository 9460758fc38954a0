"""docs/reference/engine-rest.md names the routes that exist, and no other."""

import re

from flask import Flask

from api.settings import ROOT
from tests.api.rest.conftest import REST

PAGE = (ROOT / "docs" / "reference" / "engine-rest.md").read_text(encoding="utf-8")
TABLE = PAGE.split("## Supported")[1].split("The parameters")[0]
REFUSED = {("POST", "/process-instance/{}/variables"), *(
    (method, "/process-instance/{}/variables/{}") for method in ("PUT", "DELETE")
)}  # fmt: skip
OF_A_DEFINITION = (
    ("GET", ""), ("GET", "/xml"), ("GET", "/startForm"), ("POST", "/start"), ("POST", "/submit-form"),
)  # fmt: skip


def test_the_page_names_every_route_and_no_other(app: Flask) -> None:
    named = set()
    for first, second, path in re.findall(r"`(GET|POST)(?:` and `(POST|PUT|DELETE))? (/[^`]*)`", TABLE):
        where = re.sub(r"\{\w+\}", "{}", path)
        named |= {(method, where) for method in (first, second) if method}
    for which in ("/process-definition/{}", "/process-definition/key/{}"):
        named |= {(method, which + part) for method, part in OF_A_DEFINITION}

    exists = {
        (method, re.sub(r"<[^>]+>", "{}", rule.rule).removeprefix(REST))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith((REST, "/.well-known")) and rule.rule != f"{REST}/openapi.json"
    }
    assert named == exists - REFUSED
