"""Both references as pages: every route, in two languages, without scripts or foreign addresses."""

import re

import pytest

from api.reference import HALVES, METHODS
from tests.conftest import Client

pytestmark = pytest.mark.parametrize("half", HALVES)
CHINESE = r"[\u4e00-\u9fff]+"
ID = r'id="([^"]+)"'


@pytest.mark.parametrize(
    ("asked", "lang", "words"),
    [
        (
            "zh-CN",
            "zh-CN",
            {"": "接口文档", "/api/v1": "领取本组的任务", "/engine-rest": "领取任务,须在本人的工作组"},
        ),
        (
            "en",
            "en",
            {"": "API reference", "/api/v1": "Take a task of one", "/engine-rest": "Take a task of one"},
        ),
    ],
)
def test_it_tells_every_route_in_the_language_of_the_reader(
    client: Client, half: str, asked: str, lang: str, words: dict[str, str]
) -> None:
    page = client.as_(None).get(f"{half}/docs", headers={"Accept-Language": asked})

    assert (page.status_code, page.mimetype, page.headers["Content-Language"]) == (200, "text/html", lang)
    assert f'<html lang="{lang}">' in page.text and words[""] in page.text and words[half] in page.text
    for path, said in client.get(f"{half}/openapi.json").json["paths"].items():
        shown = re.findall(rf'<a class="path" href="#[^"]+">{re.escape(path)}</a>', page.text)
        assert len(shown) == len(said.keys() & set(METHODS)), path


def test_it_shows_the_fields_of_parameters_bodies_and_errors(client: Client, half: str) -> None:
    text = client.as_(None).get(f"{half}/docs").text
    document = client.get(f"{half}/openapi.json").json

    shown = set(re.findall(r"<td><code>([^<]+)</code>", text))
    for methods in document["paths"].values():
        for said in (methods[method] for method in methods.keys() & set(METHODS)):
            assert {p["name"] for p in said.get("parameters", ())} <= shown
    for name, shape in document["components"]["schemas"].items():
        assert f'id="schema-{name}"' in text and shape.get("properties", {}).keys() <= shown, name
    assert {"type", "message", "code"} <= shown


def test_its_links_lead_somewhere(client: Client, half: str) -> None:
    text = client.as_(None).get(f"{half}/docs").text

    anchors = set(re.findall(r'href="#([^"]+)"', text))
    assert anchors <= set(re.findall(ID, text))
    assert len(re.findall(ID, text)) == len(set(re.findall(ID, text)))


def test_it_asks_nothing_of_any_host_and_runs_no_script(client: Client, half: str) -> None:
    page = client.as_(None).get(f"{half}/docs")

    assert "<script" not in page.text and " onclick" not in page.text
    assert set(re.findall(r'(?:src|href)="([^#"][^"]*)"', page.text)) == {
        "/",
        f"{half}/openapi.json",
        *(f"{other}/docs" for other in HALVES),
    }
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_each_language_speaks_no_other_but_in_examples(client: Client, half: str) -> None:
    def told(asked: str) -> str:
        text = client.as_(None).get(f"{half}/docs", headers={"Accept-Language": asked}).text
        return re.sub(r"<(pre|style).*?</\1>", "", text, flags=re.S)

    sentences = re.findall(r"<p>([^<]+)", told("zh-CN"))
    assert set(re.findall(CHINESE, told("en"))) <= {"申述"}
    assert sentences and [one for one in sentences if not re.search(CHINESE, one)] == []
