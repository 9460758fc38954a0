"""Every list: pages in every order, totals, filters, and parameters that are wrong."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, insert

from handlers import paging, tables
from tests.api.v1.conftest import _call
from tests.conftest import Client

Pages = Callable[..., Iterator[dict[str, Any]]]

RANK = ("P1", "P2", "P3", "P4", "SR", "CMP", None)
# list?order, the key of a row, what its rows are sorted by (None: by a name, as the database collates it)
ORDERS: dict[str, tuple[str, Callable[[dict[str, Any]], Any] | None, bool]] = {
    "/incidents": ("no", lambda r: (r["reported_at"], r["no"]), True),
    "/incidents?sort=reported_at": ("no", lambda r: (r["reported_at"], r["no"]), False),
    "/incidents?sort=-no": ("no", lambda r: r["no"], True),
    "/incidents?sort=no": ("no", lambda r: r["no"], False),
    "/incidents?sort=priority": (
        "no",
        lambda r: (RANK.index(r["priority"]), r["reported_at"], r["no"]),
        False,
    ),
    "/work-orders": ("no", lambda r: (r["created_at"], r["no"]), True),
    "/work-orders?sort=created_at": ("no", lambda r: (r["created_at"], r["no"]), False),
    "/escalations": ("call", lambda r: (r["raised_at"], r["call"]), True),
    "/escalations?sort=raised_at": ("call", lambda r: (r["raised_at"], r["call"]), False),
    "/hand-offs": ("call", lambda r: (r["handed_off_at"], r["call"]), True),
    "/hand-offs?sort=handed_off_at": ("call", lambda r: (r["handed_off_at"], r["call"]), False),
    "/failures": ("id", lambda r: (r["at"], r["id"]), True),
    "/failures?sort=at": ("id", lambda r: (r["at"], r["id"]), False),
    "/people": ("staff_no", None, False),
    "/people?sort=name": ("staff_no", None, False),
    "/organisations": ("code", None, False),
    "/workgroups": ("code", None, False),
    "/cis": ("code", None, False),
    "/services": ("code", None, False),
    "/vendors": ("code", None, False),
    "/contracts": ("code", None, False),
}


@pytest.mark.parametrize("path", ORDERS)
def test_pages_in_an_order_hold_every_row_once(books: Flask, pages: Pages, path: str) -> None:
    key, by, down = ORDERS[path]

    found = list(pages(path))

    rows = [row for page in found for row in page["items"]]
    if by is not None:
        assert rows == sorted(rows, key=by, reverse=down)
    assert len({row[key] for row in rows}) == len(rows) == found[0]["total"]
    assert len(found) == -(-len(rows) // 10) > (1 if "priority" in path else 2)
    assert {(page["total"], page["total_capped"]) for page in found} == {(len(rows), False)}


def test_the_order_of_closing_lists_the_closed_ones(books: Flask, pages: Pages) -> None:
    rows = [row for page in pages("/incidents?sort=-closed_at") for row in page["items"]]

    assert len(rows) == 9 and {row["status"] for row in rows} == {"ST8"}
    assert rows == sorted(rows, key=lambda r: (r["closed_at"], r["no"]), reverse=True)


def test_a_row_that_comes_between_is_neither_lost_nor_doubled(books: Flask, client: Client) -> None:
    first = client.get("/incidents?sort=no&limit=10").json
    with books.extensions["flow200"].database.write() as connection:
        connection.execute(insert(tables.incident).values(**_call(3) | {"no": "SD0"}))

    second = client.get(f"/incidents?sort=no&limit=10&after={first['next']}").json

    assert second["items"][0]["no"] > first["items"][-1]["no"]


def test_a_total_stops_counting(books: Flask, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "CAP", 20)

    found = client.get("/incidents").json

    assert (found["total"], found["total_capped"]) == (20, True)


FILTERS = {
    "/incidents?open=true": 16,
    "/incidents?open=false": 9,
    "/incidents?status=ST8": 9,
    "/incidents?status=ST8,ST4": 25,
    "/incidents?step=200.6": 16,
    "/incidents?priority=P1": 4,
    "/incidents?priority=P1,P2&sort=priority": 5,
    "/incidents?call_type=SR": 0,
    "/incidents?category=NET": 12,
    "/incidents?group=WG-NET": 12,
    "/incidents?assignee=zhoutao&open=true": 8,
    "/incidents?assignee=me": 0,
    "/incidents?caller=zhangmin": 13,
    "/incidents?caller_org=SUB-CD-001&ci=NET-CD": 12,
    "/incidents?parent=SD1": 0,
    "/incidents?reported_from=2026-11-23T09:05:00%2B08:00": 2,
    "/incidents?reported_from=2026-11-23T09:05:00+08:00": 2,
    "/incidents?reported_to=2026-11-23T01:05:00Z": 23,
    "/incidents?text=0%25_7": 1,
    "/incidents?text=FAULT": 25,
    "/incidents?text=sd20261121": 8,
    "/work-orders?group=WG-NET": 12,
    "/work-orders?assignee=zhoutao&open=true&type=DSP": 12,
    "/work-orders?status=W5": 13,
    "/work-orders?open=false": 13,
    "/work-orders?incident=SD202611210001": 1,
    "/escalations?level=E2&trigger=X13": 12,
    "/escalations?open=false": 5,
    "/hand-offs?open=false": 5,
    "/hand-offs?process=CHG&open=true": 10,
    "/escalations?holder=liuyang&holder_group=WG-IM": 25,
    "/escalations?incident=SD202611210001": 1,
    "/failures?open=true": 20,
    "/failures?incident=SD1": 0,
    "/failures?instance=0198": 0,
    "/people?text=柜员&active=true": 24,
    "/people?text=TELLER24": 1,
    "/people?text=021-7003": 1,
    "/people?group=WG-SD": 2,
    "/people?organisation=SUB-003": 1,
    "/people?vip=true": 1,
    "/organisations?type=SUB&parent=BR-SH&active=true": 13,
    "/organisations?province=四川": 3,
    "/organisations?text=网点2": 6,
    "/workgroups?tier=MGT": 2,
    "/workgroups?text=测试组": 25,
    "/cis?kind=host&environment=PROD": 26,
    "/cis?category=TRM&owner_group=WG-TRM": 2,
    "/cis?service=ATM&contract=CT-ATM": 1,
    "/services?regulatory=true": 16,
    "/services?owner=HO-XK": 6,
    "/vendors?text=厂家": 28,
    "/contracts?vendor=V-00": 25,
}


def test_a_filter_leaves_what_it_names(books: Flask, client: Client) -> None:
    found = {path: client.get(path).json for path in FILTERS}

    assert {path: page["total"] for path, page in found.items()} == FILTERS
    assert all(len(page["items"]) == min(page["total"], 50) for page in found.values())


def test_mine_is_what_i_work_on(books: Flask, client: Client) -> None:
    found = client.as_("zhoutao").get("/work-orders?assignee=me").json

    assert found["total"] == 12


def test_a_group_comes_with_its_members_and_a_person_with_his_groups(client: Client) -> None:
    group, person = client.get("/workgroups/WG-SD").json, client.get("/people/sunjing").json

    assert [(m["staff_no"], m["role"]) for m in group["members"]] == [
        ("chengang", "deputy"),
        ("lina", "leader"),
    ]
    assert person["groups"] == ["WG-DBS", "WG-HST"]


def test_a_vendor_comes_with_contacts_and_contracts(client: Client) -> None:
    vendor = client.get("/vendors/V-ATM").json
    contract = client.get("/contracts/CT-ATM").json

    assert [c["to"] for c in vendor["contacts"]] == ["400-100-0001", "400-100-0002"]
    assert vendor["contracts"] == ["CT-ATM"]
    assert contract["response"] == {"P3": 240, "P4": 480}


def test_one_entry_of_each_directory(client: Client) -> None:
    for path in ("organisations/BR-SH", "services/CORE", "cis/ATM-0087"):
        assert client.get(f"/{path}").json["code"] == path.split("/")[1]


def test_code_tables_in_two_languages(client: Client) -> None:
    tables_ = {row["table"]: row for row in client.get("/codes").json["items"]}
    priority = client.get("/codes/priority?active=true").json

    assert tables_["priority"]["rows"] == priority["total"] == 6
    assert [row["code"] for row in priority["items"]] == ["P1", "P2", "P3", "P4", "SR", "CMP"]
    assert (priority["items"][0]["zh"], priority["items"][0]["en"]) == ("紧急", "Critical")
    assert priority["items"][0]["data"]["resolve"] == 120
    assert client.get("/codes/priority?active=false").json["items"] == []


def test_the_version_names_what_runs(client: Client) -> None:
    version = client.get("/version").json

    assert version["engine"] == {"name": "SpiffWorkflow", "version": "3.2.0"}
    assert version["schema"] == "0009"
    assert [d["process"] for d in version["definitions"]] == ["escalation", "incident_200"]


NOWHERE = (
    *("incidents/SD0", "incidents/SD0/history", "work-orders/SD0-01", "escalations/SD0/1", "failures/x"),
    *("people/x", "organisations/x", "workgroups/x", "cis/x", "services/x", "vendors/x", "contracts/x"),
    *("codes/x", "escalations/SD0/99999999999999999999"),
)


def test_what_is_not_there_is_not_found(client: Client) -> None:
    answers = {path: client.get(f"/{path}") for path in NOWHERE}

    assert {path: a.status_code for path, a in answers.items()} == dict.fromkeys(NOWHERE, 404)
    assert all(a.json["code"].endswith("not-found") for a in answers.values())


def test_a_nul_in_a_path_is_refused(client: Client) -> None:
    answer = client.get("/people/a%00b")

    assert (answer.status_code, answer.json["code"]) == (400, "bad-text")


WRONG = (
    ("incidents?grupo=WG-SD", "grupo"),
    ("incidents?limit=0", "limit"),
    ("incidents?limit=1e3", "limit"),
    ("incidents?open=perhaps", "open"),
    ("incidents?sort=subject", "sort"),
    ("incidents?sort=priority&open=false", "sort"),
    ("incidents?status=ST99", "status"),
    ("incidents?status=ST1,ST99", "status"),
    ("incidents?priority=P9", "priority"),
    ("incidents?call_type=X", "call_type"),
    ("incidents?category=X", "category"),
    ("incidents?reported_from=yesterday", "reported_from"),
    ("incidents?reported_from=2026-11-23T09:00:00", "reported_from"),
    ("incidents?reported_to=0001-01-01T00:00:00%2B08:00", "reported_to"),
    ("incidents?ci=" + "x" * 41, "ci"),
    ("incidents?text=" + "x" * 101, "text"),
    ("incidents?after=" + "x" * 601, "after"),
    ("incidents?after=x", "after"),
    ("incidents?after=%E4%BA%8B", "after"),
    ("work-orders?status=ST1", "status"),
    ("work-orders?type=X", "type"),
    ("work-orders?sort=no", "sort"),
    ("escalations?level=E9", "level"),
    ("escalations?trigger=X", "trigger"),
    ("hand-offs?process=X", "process"),
    ("hand-offs?open=maybe", "open"),
    ("failures?open=2", "open"),
    ("people?sort=phone", "sort"),
    ("people?phone=8001", "phone"),
    ("codes/priority?limit=1", "limit"),
    ("workgroups?after=W10", "after"),
)


def test_a_wrong_parameter_is_named(client: Client) -> None:
    for language in ("en", "zh-CN"):
        answers = [client.get(f"/{query}", headers={"Accept-Language": language}) for query, _ in WRONG]

        named = [(query, list(a.json["fields"])) for (query, _), a in zip(WRONG, answers, strict=True)]
        assert named == [(query, [field]) for query, field in WRONG]
        assert {a.status_code for a in answers} == {422}


def test_a_next_of_another_list_is_stale(books: Flask, client: Client) -> None:
    following = client.get("/incidents?limit=10").json["next"]

    for other in (
        "incidents?sort=no",
        "incidents?open=true",
        "incidents?sort=priority",
        "work-orders?limit=10",
    ):
        answer = client.get(f"/{other}&after={following}")

        assert (answer.status_code, answer.json["code"]) == (422, "stale-next")


def test_a_next_that_somebody_wrote_is_stale(books: Flask, client: Client) -> None:
    import base64

    import orjson

    word = client.get("/incidents?limit=10").json["next"]
    seen, *_ = orjson.loads(base64.urlsafe_b64decode(word + "=="))
    for forged in (
        [seen],
        [seen, "2026-11-23T09:05:00+08:00"],
        [seen, "2026-11-23T09:05:00", "SD1"],
        [seen, 7, "SD1"],
        [seen, "2026-11-23T09:05:00+08:00", 7],
        [seen, "2026-11-23T09:05:00+08:00", ["SD1"]],
        [seen, "0001-01-01T00:00:00+08:00", "SD1"],
        {"seen": seen},
    ):
        after = base64.urlsafe_b64encode(orjson.dumps(forged)).decode().rstrip("=")

        answer = client.get(f"/incidents?limit=10&after={after}")

        assert (answer.status_code, answer.json["code"]) == (422, "stale-next"), forged


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_every_order_comes_from_an_index(books: Flask, client: Client) -> None:
    asked: list[tuple[str, Any]] = []
    database = books.extensions["flow200"].database

    @event.listens_for(database.engine, "before_cursor_execute")
    def listen(_: Any, __: Any, statement: str, parameters: Any, *more: Any) -> None:
        if " ORDER BY " in statement and " LIMIT " in statement:
            asked.append((statement, parameters))

    for path in ORDERS:
        client.get(path)
    client.get("/incidents?sort=-closed_at")
    client.get("/incidents?open=true")
    client.get("/incidents?group=WG-NET&open=true")
    client.get("/incidents?caller=zhangmin")
    client.get("/work-orders?group=WG-NET")

    with database.read() as connection:
        sorted_by_hand = {
            statement
            for statement, parameters in list(asked)
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            if "TEMP B-TREE" in str(step)
        }
    assert len(asked) >= len(ORDERS) + 5
    assert sorted_by_hand == set()
