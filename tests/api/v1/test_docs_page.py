"""The reference as a page: every route, in two languages, without scripts or foreign addresses."""

import re

import pytest
from flask import Flask

from tests.conftest import Client


@pytest.mark.parametrize(
    ("asked", "lang", "words"),
    [
        ("zh-CN", "zh-CN", ("接口文档", "领取本组的任务")),
        ("en", "en", ("API reference", "Take a task of one")),
    ],
)
def test_it_tells_every_route_in_the_language_of_the_reader(
    app: Flask, client: Client, asked: str, lang: str, words: tuple[str, ...]
) -> None:
    page = client.as_(None).get("/docs", headers={"Accept-Language": asked})

    assert (page.status_code, page.mimetype, page.headers["Content-Language"]) == (200, "text/html", lang)
    assert f'<html lang="{lang}">' in page.text and all(word in page.text for word in words)
    for path, said in client.get("/openapi.json").json["paths"].items():
        shown = re.findall(rf'<a class="path" href="#[^"]+">{re.escape(path)}</a>', page.text)
        assert len(shown) == len(said.keys() & {"get", "post", "patch", "put", "delete"})


def test_its_links_lead_somewhere(client: Client) -> None:
    text = client.as_(None).get("/docs").text

    anchors = set(re.findall(r'href="#([^"]+)"', text))
    assert anchors <= set(re.findall(r'id="([^"]+)"', text))
    assert len(re.findall(r'id="([^"]+)"', text)) == len(set(re.findall(r'id="([^"]+)"', text)))


def test_it_asks_nothing_of_any_host_and_runs_no_script(client: Client) -> None:
    page = client.as_(None).get("/docs")

    assert "<script" not in page.text and " onclick" not in page.text
    assert set(re.findall(r'(?:src|href)="([^#"][^"]*)"', page.text)) == {
        "/",
        "/api/v1/openapi.json",
        "/engine-rest/openapi.json",
    }
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_english_speaks_no_chinese_but_in_examples(client: Client) -> None:
    text = client.as_(None).get("/docs", headers={"Accept-Language": "en"}).text

    told = re.sub(r"<pre.*?</pre>", "", text, flags=re.S)
    assert set(re.findall(r"[\u4e00-\u9fff]+", told)) <= {"申述"}
