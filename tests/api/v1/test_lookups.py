"""Who calls is found by staff number, account, name or phone; several are told apart, none is said."""

import pytest
from flask import Flask

from tests.api.v1.conftest import CALL
from tests.conftest import Client


@pytest.mark.parametrize("given", ["zhangmin", "张敏", " 张敏 ", "028-8601", "0288601", "028 8601"])
def test_a_unique_match_is_taken(client: Client, given: str) -> None:
    made = client.post("/incidents", {**CALL, "caller": given})

    assert made.status_code == 201, made.text
    assert (made.json["caller"], made.json["caller_org"]) == ("zhangmin", "SUB-CD-001")


def test_an_account_is_a_match_too(books: Flask, client: Client) -> None:
    made = client.post("/incidents", {**CALL, "caller": "teller7", "on_behalf_of": "13900000008"})

    assert (made.json["caller"], made.json["on_behalf_of"]) == ("t007", "t008")


@pytest.mark.parametrize("given", ["上海分行", "上海", "BR-SH"])
def test_an_organisation_is_found_by_its_names(client: Client, given: str) -> None:
    made = client.post("/incidents", {**CALL, "caller_org": given})

    assert made.json["caller_org"] == "BR-SH"


def test_several_of_one_name_are_listed(books: Flask, client: Client) -> None:
    refused = client.post("/incidents", {**CALL, "caller": "柜员3"}, headers={"Accept-Language": "en"})

    assert (refused.status_code, refused.json["code"]) == (422, "ambiguous-record")
    assert list(refused.json["fields"]) == ["caller"]
    assert [c["staff_no"] for c in refused.json["candidates"]] == ["t006", "t007"]
    assert "t006 柜员3" in refused.json["message"]
    assert set(refused.json["candidates"][0]) == {"staff_no", "name", "organisation", "job_title"}


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("caller", "无此人"),
        ("caller", "t024"),
        ("caller", "-"),
        ("complained_about", "x"),
        ("caller_org", "火星分行"),
    ],
)
def test_nobody_of_that_name_is_said(books: Flask, client: Client, field: str, given: str) -> None:
    refused = client.post("/incidents", {**CALL, field: given})

    assert (refused.status_code, refused.json["code"]) == (422, "unknown-record")
    assert list(refused.json["fields"]) == [field]


@pytest.mark.parametrize("given", [7, None, ["zhangmin"], ""])
def test_what_is_no_name_is_left_to_the_form(client: Client, given: object) -> None:
    refused = client.post("/incidents", {**CALL, "caller": given})

    assert refused.status_code == 422
    assert list(refused.json["fields"]) == ["caller"]
