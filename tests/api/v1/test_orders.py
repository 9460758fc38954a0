"""Work orders and hand-offs over HTTP: tied to tasks, stepped by hand, called back, refused by name."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.ports import Actor
from handlers.errors import HandlerConcerned
from tests.api.test_ten_routes import SOLVED, complete, record, to_second_line
from tests.api.v1.conftest import CALL
from tests.conftest import Client, Clock

ONSITE = {"type": "ONS", "group": "WG-NET", "comment": "请到网点检查线路"}
ACCOUNT = {"account_system": "核心银行", "account_holder": "周岚"}
REQUEST = {**CALL, "call_type": "SR", "classification": "SR-ACC-NEW", "subject": "新柜员开通帐号"}
COMPLAINT = {**CALL, "call_type": "CMP", "classification": "CMP-TIM", "complained_about": "lina"}


@pytest.fixture
def no(client: Client) -> str:
    """A call that 郑浩 works on."""
    made = record(client)
    to_second_line(client, made)
    return made


def issued(client: Client, no: str) -> str:
    """A work order for 网络, made by 郑浩."""
    answer = client.as_("zhenghao").post(f"/incidents/{no}/work-orders", ONSITE)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/api/v1/work-orders/{answer.json['no']}"
    return str(answer.json["no"])


def handed(client: Client, call: dict[str, Any], **answer: Any) -> str:
    """A request or 申述 that waits for its fulfilment; its number."""
    desk = client.as_("chengang")
    no = str(desk.post("/incidents", call).json["no"])
    if call["call_type"] == "CMP":
        complete(desk, no, "T200_3_complaint", {"complaint_confirmed": True})
    complete(desk, no, "S200_3", {"outcome_3": "handed_off", **answer})
    return no


def order(client: Client, no: str, seq: int = 1) -> dict[str, Any]:
    return dict(client.get(f"/incidents/{no}").json["work_orders"][seq - 1])


def test_the_task_and_the_work_order_name_each_other(client: Client) -> None:
    no = record(client)
    complete(
        client, no, "T200_2", {"outcome_2": "proceed", "category": "TRM", "impact": "I4", "urgency": "U2"}
    )
    complete(client, no, "T200_4", {"outcome_4": "escalate"})
    complete(client, no, "T200_5", {"group": "WG-TRM"})
    solver, seen = client.as_("zhenghao"), []
    for element, answer in (
        ("T200_5_accept", {"accept": "accepted"}),
        ("T200_6", {"outcome_6": "vendor"}),
        ("T200_7", {"engagement_kind": "VND", "contract": "CT-ATM"}),
        (None, {"vendor_result": "accepted"}),
        ("T200_8", {"outcome_8": "resolved", **SOLVED}),
    ):
        known = client.get(f"/incidents/{no}").json
        for task in known["tasks"]:
            carried = [o["no"] for o in known["work_orders"] if o["task_id"] == task["id"]]
            assert client.get(f"/tasks/{task['id']}").json["work_orders"] == carried
            seen.append((element, len(carried)))
        if element:
            complete(solver, no, element, answer)
        else:
            solver.post(f"/incidents/{no}/messages", {"name": "vendor_answered", "data": answer})

    assert seen == [("T200_5_accept", 1), ("T200_6", 1), ("T200_7", 1), ("T200_8", 2)]


def test_a_colleague_who_takes_over_is_written_in_all_three(client: Client, no: str, clock: Clock) -> None:
    engine = client.app.extensions["flow200"].engine
    (task,) = client.get(f"/incidents/{no}").json["tasks"]
    manager = Actor("liuyang", "刘洋", frozenset({"WG-IM"}))
    solver = Actor("zhenghao", "郑浩", frozenset({"WG-TRM"}))

    def holders() -> set[Any]:
        known = client.get(f"/incidents/{no}").json
        return {known["assignee"], known["work_orders"][0]["assignee"], known["tasks"][0]["assignee"]}

    assert holders() == {"zhenghao"}
    for verb, person in (
        (lambda: engine.assign(task["id"], "liuyang", manager, clock()), "liuyang"),
        (lambda: engine.unclaim(task["id"], manager, clock()), None),
        (lambda: engine.claim(task["id"], solver, clock()), "zhenghao"),
        (lambda: engine.delegate(task["id"], "hejing", solver, clock()), "hejing"),
    ):
        verb()

        assert holders() == {person}


def test_a_refused_assignment_changes_none_of_them(client: Client, clock: Clock) -> None:
    no = handed(client, COMPLAINT)
    known = client.get(f"/incidents/{no}").json
    desk = client.as_("liuyang")
    assert known["work_orders"][0]["assignee"] == "liuyang"
    finished = desk.post(
        f"/incidents/{no}/messages", {"name": "request_done", "data": {"outcome_3": "completed"}}
    )
    (task,) = finished.json["tasks"]
    engine = client.app.extensions["flow200"].engine
    before = client.get(f"/incidents/{no}").json

    with pytest.raises(HandlerConcerned):
        engine.assign(task["id"], "lina", Actor("liuyang", "刘洋", frozenset({"WG-IM"})), clock())
    refused = client.post(f"/tasks/{task['id']}/claim")

    assert (refused.status_code, refused.json["code"]) == (422, "handler-concerned")
    assert client.get(f"/incidents/{no}").json == before


def test_an_order_goes_its_way(client: Client, no: str) -> None:
    made, helper = issued(client, no), client.as_("zhoutao")
    done = {"result": "solved", "labour_min": 35, "solution": "线路正常"}

    states = [
        helper.post(f"/work-orders/{made}/{verb}", said).json["status"]
        for verb, said in (("accept", {}), ("start", {}), ("hold", {}), ("start", {}), ("finish", done))
    ]

    assert states == ["W2", "W3", "W4", "W3", "W5"]
    row = client.get(f"/work-orders/{made}").json
    assert (row["labour_min"], row["solution"], row["task_id"]) == (35, "线路正常", None)


def refused(client: Client, no: str, path: str, said: Any, **more: Any) -> tuple[int, str, list[str]]:
    """What a request is refused for, after which nothing is different."""
    before = client.get(f"/incidents/{no}").json
    answer = client.post(path, said, **more)
    assert client.get(f"/incidents/{no}").json == before
    return answer.status_code, answer.json["code"], sorted(answer.json.get("fields", ()))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"type": "XXX"}, (422, "unknown-code", ["type"])),
        ({"type": "VND"}, (422, "not-by-hand", ["type"])),
        ({"type": "CMP"}, (409, "work-order-not-now", ["type"])),
        ({"group": "WG-XX"}, (422, "unknown-record", ["group"])),
        ({"group": None}, (422, "invalid-request", ["group"])),
        ({"assignee": "wumin"}, (422, "not-a-member", ["assignee"])),
        ({"due_finish": "2026-11-23T08:00:00+08:00"}, (422, "bad-time", ["due_finish"])),
        ({"due_finish": "tomorrow"}, (422, "invalid-request", ["due_finish"])),
        ({"status": "W5"}, (422, "invalid-request", ["status"])),
        ({"comment": "x" * 4001}, (422, "invalid-request", ["comment"])),
    ],
)
def test_a_wrong_work_order_is_not_made(client: Client, no: str, change: Any, expected: Any) -> None:
    assert refused(client, no, f"/incidents/{no}/work-orders", {**ONSITE, **change}) == expected


def test_who_may_not_and_what_is_not_there(client: Client, no: str) -> None:
    made = issued(client, no)
    stranger = client.as_("wumin")

    assert refused(stranger, no, f"/incidents/{no}/work-orders", ONSITE)[:2] == (403, "not-allowed")
    assert refused(stranger, no, f"/work-orders/{made}/accept", {})[:2] == (403, "not-allowed")
    assert refused(client, no, f"/work-orders/{made[:-2]}99/accept", {})[:2] == (404, "record-not-found")
    assert refused(client, no, "/incidents/SD0/work-orders", ONSITE)[:2] == (404, "call-not-found")
    assert refused(client, no, f"/work-orders/{made}/finish", {"result": "solved", "labour_min": True})[
        1:
    ] == (
        "invalid-request",
        ["labour_min"],
    )


def test_what_a_task_carries_names_the_task(client: Client, no: str) -> None:
    (task,) = client.get(f"/incidents/{no}").json["tasks"]

    answer = client.as_("zhenghao").post(f"/work-orders/{no}-01/finish", {"result": "solved"})

    assert (answer.status_code, answer.json["code"]) == (409, "carried-by-task")
    assert task["id"] in answer.json["message"]


def test_twice_stale_and_closed(client: Client, no: str) -> None:
    made, helper = issued(client, no), client.as_("zhoutao")
    seen = client.get(f"/incidents/{no}").headers["ETag"]
    match = {"headers": {"If-Match": seen}}
    assert helper.post(f"/work-orders/{made}/accept", {}, **match).status_code == 200

    accept = f"/work-orders/{made}/accept"
    assert refused(helper, no, accept, {}) == (409, "work-order-refused", [])
    assert refused(helper, no, f"/work-orders/{made}/start", {}, **match) == (409, "stale-call", [])
    for path, said in (("work-orders", ONSITE), ("hand-offs", {"process": "PRB", "note": "x"})):
        assert refused(client, no, f"/incidents/{no}/{path}", said, **match) == (409, "stale-call", [])
    client.post(f"/work-orders/{made}/recall", {})
    client.post(f"/incidents/{no}/messages", {"name": "withdraw", "data": {"reason": "已恢复"}})
    complete(client, no, "T200_10", {})

    assert refused(client, no, f"/incidents/{no}/work-orders", ONSITE)[:2] == (409, "call-closed")
    assert refused(helper, no, accept, {})[:2] == (409, "call-closed")


def test_who_fulfils_a_request_calls_back(client: Client, tick: Callable[[], None]) -> None:
    no, fulfils = handed(client, REQUEST, **ACCOUNT), client.as_("xuyan")
    (row,) = client.get(f"/incidents/{no}").json["hand_offs"]
    assert (row["details"], row["due_at"]) == (ACCOUNT, "2026-11-24T09:05:00+08:00")
    fulfils.post(f"/work-orders/{no}-01/accept", {})

    done = fulfils.post(f"/work-orders/{no}-01/finish", {"result": "solved", "solution": "帐号已开通"})

    assert (done.json["status"], client.get(f"/incidents/{no}").json["status"]) == ("W5", "ST9")
    tick()
    known = client.get(f"/incidents/{no}").json
    assert (known["status"], known["solution_steps"]) == ("ST7", "帐号已开通")
    assert [t["element"] for t in known["tasks"]] == ["T200_9"]
    (row,) = known["hand_offs"]
    assert (row["result"], row["handler"], row["answered_by"]) == ("completed", "xuyan", "xuyan")


@pytest.mark.parametrize(
    ("said", "element", "status"),
    [
        ({"result": "returned", "classification": "INC-USE"}, "T200_2", "ST2"),
        ({"result": "unsolved", "comment": "审批未过"}, "T200_10", "ST9"),
    ],
)
def test_a_request_returns_or_is_refused(
    client: Client, tick: Callable[[], None], said: Any, element: str, status: str
) -> None:
    no, fulfils = handed(client, REQUEST, **ACCOUNT), client.as_("xuyan")
    fulfils.post(f"/work-orders/{no}-01/accept", {})

    fulfils.post(f"/work-orders/{no}-01/finish", said)
    tick()

    known = client.get(f"/incidents/{no}").json
    assert ([t["element"] for t in known["tasks"]], known["status"]) == ([element], status)


def test_a_change_that_is_answered_moves_the_call(client: Client, no: str, tick: Callable[[], None]) -> None:
    wait = {"outcome_6": "need_change", "change_ref": "CHG-1", "hold_comment": "今晚"}
    wait["expected_resume"] = "2026-11-24T06:00:00+08:00"
    answer, manager = f"/incidents/{no}/hand-offs/1/answer", client.as_("liuyang")

    for result in ("approved", "implemented"):
        complete(client.as_("zhenghao"), no, "T200_6", wait)
        assert client.get(f"/incidents/{no}").json["status"] == "ST6"
        assert manager.post(answer, {"result": result}).json["result"] == result
        tick()
        known = client.get(f"/incidents/{no}").json
        assert (known["status"], [t["element"] for t in known["tasks"]]) == ("ST4", ["T200_6"])

    assert refused(manager, no, answer, {"result": "failed"}) == (409, "hand-off-answered", ["seq"])


def test_a_wrong_hand_off_is_named(client: Client, no: str) -> None:
    path = f"/incidents/{no}/hand-offs"
    client.post(path, {"process": "CFG", "note": "缺配置项"})

    assert refused(client, no, path, {"process": "XXX", "note": "x"}) == (422, "unknown-code", ["process"])
    assert refused(client, no, path, {"process": "PRB"}) == (422, "invalid-request", ["note"])
    assert refused(client, no, path, {"process": "SRQ", "note": "x"})[:2] == (409, "hand-off-by-process")
    assert refused(client, no, f"{path}/1/answer", {"result": "approved"})[1:] == (
        "unknown-outcome",
        ["result"],
    )
    assert refused(client, no, f"{path}/7/answer", {"result": "refused"})[:2] == (404, "record-not-found")
    assert refused(client.as_("wumin"), no, f"{path}/1/answer", {"result": "refused"})[0] == 403
    assert client.get(f"/hand-offs/{no}/7").status_code == 404


def test_hand_offs_are_listed(client: Client, no: str) -> None:
    for process in ("PRB", "CFG"):
        client.post(f"/incidents/{no}/hand-offs", {"process": process, "note": "x"})
    client.post(f"/incidents/{no}/hand-offs/2/answer", {"result": "corrected"})

    def found(query: str) -> list[str]:
        return [row["process"] for row in client.get(f"/hand-offs?{query}").json["items"]]

    assert sorted(found(f"incident={no}")) == ["CFG", "PRB"]
    assert found("open=true") == found("process=PRB") == found("group=WG-TRM") == ["PRB"]
    assert found("open=false") == ["CFG"]
