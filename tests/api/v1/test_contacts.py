"""Phone, mobile and mail of persons are for supporters; an analyst reads everything else (PROCESS §6.10)."""

import pytest
from flask import Flask
from sqlalchemy import insert

from api import auth
from handlers import codes, tables
from tests.api.test_ten_routes import record
from tests.conftest import FAST, Client


@pytest.fixture
def analyst(app: Flask, client: Client) -> Client:
    """Somebody of a group whose tier is none of `contact_tiers`."""
    with app.extensions["flow200"].database.write() as connection:
        connection.execute(
            insert(tables.person).values(
                staff_no="analyst", name="分析员", phone="8400", vip=False, active=True
            )
        )
        connection.execute(
            insert(tables.workgroup).values(code="WG-ANA", name="分析", tier="ANA", active=True)
        )
        connection.execute(
            insert(tables.membership).values(workgroup="WG-ANA", person="analyst", role="member")
        )
        auth.set_password(connection, "analyst", "password-of-analyst", FAST)
    return client.as_("analyst")


def test_supporters_read_contact_data(client: Client) -> None:
    for who in ("lina", "zhoutao", "liuyang"):
        assert client.as_(who).get("/people/zhangmin").json["phone"] == "028-8601"


def test_an_analyst_reads_records_without_contact_data(client: Client, analyst: Client) -> None:
    no = record(client)
    client.patch(f"/incidents/{no}", {"callback_phone": "13812345678"})
    task = client.get(f"/tasks?incident={no}").json["items"][0]["id"]

    person, people = analyst.get("/people/zhangmin").json, analyst.get("/people").json["items"]
    call, history = analyst.get(f"/incidents/{no}").json, analyst.get(f"/incidents/{no}/history").json
    form = analyst.get(f"/tasks/{task}").json["form"]

    assert person["name"] == "张敏"
    assert {p[name] for p in (person, *people) for name in ("phone", "mobile", "email", "notes")} == {None}
    assert (call["subject"], call["callback_phone"]) == ("ATM-0087 吞卡并停机", None)
    told = [line for line in history["log"] if line["field"] == "callback_phone"]
    assert told and {value for line in told for value in (line["old"], line["new"])} == {None}
    assert {f["value"] for f in form["fields"] if f["key"] == "callback_phone"} == {None}
    for path in (f"/incidents/{no}", f"/incidents/{no}/history", f"/tasks/{task}", "/people"):
        assert "13812345678" not in analyst.get(path).text
        assert "028-8601" not in analyst.get(path).text


def test_an_analyst_finds_nobody_by_a_phone(analyst: Client) -> None:
    assert analyst.get("/people?text=028-8601").json["total"] == 0
    assert analyst.get("/people?text=张敏").json["total"] == 1


def test_who_reads_contact_data_is_a_policy(app: Flask, client: Client, analyst: Client) -> None:
    with app.extensions["flow200"].database.write() as connection:
        codes.revise(connection, "policy", "contact_tiers", value=["ANA"])

    assert analyst.get("/people/zhangmin").json["phone"] == "028-8601"
    assert client.get("/people/zhangmin").json["phone"] is None
