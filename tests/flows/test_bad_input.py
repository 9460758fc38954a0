"""Wrong answers at every door of a flow: each is refused by its name and changes nothing, in no table.

Bodies that are not even JSON are the matter of `tests/api/test_bad_input.py`.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from api.http import BODY_LIMIT
from tests.flows import roads, words
from tests.flows.world import World

HOSTILE = (
    "'; DROP TABLE incident; --",
    '"><script>alert(1)</script>',
    "${7*7} {{7*7}} %s %(no)s {no} {0.__class__}",
    "\u202e\u200b\u0007\x1b[31m红",
    "𠮷👩‍💻é 中文",
    "../../etc/passwd",
)
# place, who, answer, status, code, the fields that the refusal names
REFUSED: dict[str, tuple[str, str, dict[str, Any], int, str, set[str]]] = {
    "no outcome": ("一线支持尝试解决", "李娜", {}, 422, "invalid-form", {"outcome_4"}),
    "an unlisted outcome": (
        "一线支持尝试解决",
        "李娜",
        {"outcome_4": "resovled", "solution_kind": "permanent", "solution_steps": "x"},
        422,
        "invalid-form",
        {"outcome_4"},
    ),
    "an outcome of another step": (
        "一线支持尝试解决",
        "李娜",
        {"outcome_4": "back_to_desk"},
        422,
        "invalid-form",
        {"outcome_4"},
    ),
    "an outcome that is a list": (
        "一线支持尝试解决",
        "李娜",
        {"outcome_4": ["resolved"]},
        422,
        "invalid-form",
        {"outcome_4"},
    ),
    "unknown variables": (
        "一线支持尝试解决",
        "李娜",
        {"outcome_4": "escalate", "status": "ST8", "group": "WG-IM"},
        422,
        "invalid-form",
        {"status", "group"},
    ),
    "a value outside its code table": (
        "收集信息",
        "李娜",
        {"outcome_2": "proceed", "category": "XXX", "impact": "I9", "urgency": "u1"},
        422,
        "invalid-form",
        {"category", "impact", "urgency"},
    ),
    "what the outcome needs is missing": (
        "收集信息",
        "李娜",
        {"outcome_2": "proceed", "category": "TRM"},
        422,
        "missing",
        {"impact", "urgency"},
    ),
    "a solution of blanks": (
        "二线尝试解决",
        "郑浩",
        {"outcome_6": "resolved", "solution_kind": "permanent", "solution_steps": " \n\t "},
        422,
        "missing",
        {"solution_steps"},
    ),
    "a solution before the report": (
        "二线尝试解决",
        "郑浩",
        {
            "outcome_6": "resolved",
            "solution_kind": "permanent",
            "solution_steps": "x",
            "resolved_at": "2026-11-20T09:00:00+08:00",
        },
        422,
        "bad-time",
        {"resolved_at"},
    ),
    "a time without its offset": (
        "二线尝试解决",
        "郑浩",
        {"outcome_6": "suspend", "hold_comment": "x", "expected_resume": "2026-11-25T09:00:00"},
        422,
        "invalid-form",
        {"expected_resume"},
    ),
    "a time that the clocks of the east cannot show": (
        "二线尝试解决",
        "郑浩",
        {"outcome_6": "suspend", "hold_comment": "x", "expected_resume": "9999-12-31T23:59:59+00:00"},
        422,
        "bad-time",
        {"expected_resume"},
    ),
    "a text too long": (
        "二线尝试解决",
        "郑浩",
        {"outcome_6": "back_to_desk", "comment": "长" * 4001},
        422,
        "invalid-form",
        {"comment"},
    ),
    "a group that is no second line": (
        "分派至二线支持",
        "李娜",
        {"group": "WG-IM"},
        422,
        "invalid-form",
        {"group"},
    ),
    "a score out of range": (
        "与客户确认",
        "李娜",
        {"outcome_9": "confirmed", "method": "PHONE", "satisfaction_desk": 6},
        422,
        "invalid-form",
        {"satisfaction_desk"},
    ),
    "a score that is true": (
        "与客户确认",
        "李娜",
        {"outcome_9": "confirmed", "method": "PHONE", "satisfaction_desk": True},
        422,
        "invalid-form",
        {"satisfaction_desk"},
    ),
    "a method of the system": (
        "与客户确认",
        "李娜",
        {"outcome_9": "confirmed", "method": "AUTO"},
        422,
        "invalid-form",
        {"method"},
    ),
    "second line confirms": (
        "与客户确认",
        "郑浩",
        {"outcome_9": "confirmed", "method": "PHONE"},
        403,
        "not-candidate",
        set(),
    ),
    "second line closes": ("关闭事件记录", "郑浩", {"closure_code": "C01"}, 403, "not-candidate", set()),
    "another group accepts": ("二线受理", "赵磊", {"accept": "accepted"}, 403, "not-candidate", set()),
    "the desk solves for second line": (
        "二线尝试解决",
        "李娜",
        {"outcome_6": "back_to_desk"},
        403,
        "not-candidate",
        set(),
    ),
    "closed without a code": ("关闭事件记录", "李娜", {}, 422, "missing", {"closure_code"}),
    "a code of another path": (
        "关闭事件记录",
        "李娜",
        {"closure_code": "C05"},
        422,
        "closure-code-refused",
        {"closure_code"},
    ),
    "a code that is none": (
        "关闭事件记录",
        "李娜",
        {"closure_code": "C99"},
        422,
        "invalid-form",
        {"closure_code"},
    ),
    "a vendor that is none": (
        "联系供应商",
        "郑浩",
        {"vendor": "V-XXX"},
        422,
        "invalid-form",
        {"vendor"},
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_answer_is_refused_by_name_and_changes_nothing(world: World, name: str) -> None:
    place, who, answer, status, code, fields = REFUSED[name]
    roads.bring(world, place)
    before = world.dump()

    refused = complete(world, who, answer)

    assert (refused.status_code, refused.json["code"]) == (status, code), refused.text
    assert set(refused.json.get("fields", ())) >= fields
    assert world.dump() == before


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_text(world: World, text: str) -> None:
    call = roads.CALL | {"subject": text, "description": text, "ci_text": text}

    made = world.record("李娜", call)
    kept = world.incident()

    assert made.status_code == 201, made.text
    assert [kept[name] for name in ("subject", "description", "ci_text")] == [text] * 3
    assert text in {line["new"] for line in world.history()["log"]}


def test_a_text_with_nul_is_refused(world: World) -> None:
    roads.bring(world, "一线支持尝试解决")
    before = world.dump()

    refused = complete(world, "李娜", {"outcome_4": "escalate", "comment": "a\0b"})

    assert (refused.status_code, refused.json["code"]) == (400, "bad-text")
    assert world.dump() == before


def test_a_body_of_more_than_a_mebibyte_is_refused(world: World) -> None:
    roads.bring(world, "一线支持尝试解决")
    before = world.dump()

    refused = complete(world, "李娜", {"outcome_4": "escalate", "comment": "x" * BODY_LIMIT})

    assert (refused.status_code, refused.json["code"]) == (413, "body-too-large")
    assert world.dump() == before


def test_an_outcome_that_is_said_twice_is_refused(world: World) -> None:
    roads.bring(world, "一线支持尝试解决")
    task, before = open_task(world), world.dump()
    body = b'{"outcome_4": "resolved", "outcome_4": "escalate"}'

    refused = world.at_desk("李娜").post(
        f"/tasks/{task['id']}/complete", data=body, content_type="application/json"
    )

    assert (refused.status_code, refused.json["code"]) == (400, "duplicate-key")
    assert world.dump() == before


def test_a_finished_task_is_a_conflict_for_everybody_and_every_verb(world: World) -> None:
    roads.bring(world, "一线支持尝试解决")
    task = open_task(world)
    answer = {"outcome_4": "escalate"}
    assert complete(world, "李娜", answer).status_code == 200
    before = world.dump()

    again = [
        world.at_desk(who).post(f"/tasks/{task['id']}/{verb}", body)
        for who in ("李娜", "陈刚", "郑浩", "刘洋")
        for verb, body in (("complete", answer), ("claim", {}), ("unclaim", {}))
    ]

    assert {(one.status_code, one.json["code"]) for one in again} == {(409, "task-not-open")}
    assert world.dump() == before


def test_a_task_of_a_withdrawn_call_is_a_conflict(world: World) -> None:
    roads.bring(world, "二线尝试解决")
    task = open_task(world)
    assert world.say("李娜", "用户撤回", []).status_code == 200
    before = world.dump()

    late = world.at_desk("郑浩").post(f"/tasks/{task['id']}/complete", {"outcome_6": "back_to_desk"})

    assert (late.status_code, late.json["code"]) == (409, "task-not-open")
    assert world.dump() == before


def test_an_answer_to_what_has_changed_since_is_stale(world: World) -> None:
    roads.bring(world, "二线受理")
    task = open_task(world)
    path, seen = f"/tasks/{task['id']}/complete", f'"{task["revision"] - 1}"'
    before = world.dump()

    refused = world.at_desk("郑浩").post(path, {"accept": "accepted"}, headers={"If-Match": seen})

    assert (refused.status_code, refused.json["code"]) == (409, "stale-instance")
    assert world.dump() == before


def test_a_closed_call_is_not_edited(world: World) -> None:
    roads.bring(world, "已关闭")
    desk, path = world.at_desk("刘洋"), f"/incidents/{world.no}"
    before = world.dump()

    tried = {
        "priority": desk.patch(path, {"impact": "I1", "priority_reason": "x"}),
        "withdrawal": desk.post(f"{path}/messages", {"name": "withdraw", "data": {}}),
        "escalation": desk.post(f"{path}/escalations", {"reason": "x"}),
        "message": desk.post(f"{path}/messages", {"name": "no_such_message", "data": {}}),
    }

    assert {name: (one.status_code, one.json["code"]) for name, one in tried.items()} == {
        "priority": (409, "call-closed"),
        "withdrawal": (409, "not-waiting"),
        "escalation": (422, "escalation-refused"),
        "message": (409, "not-waiting"),
    }
    assert world.dump() == before


@pytest.mark.parametrize("due", ["9999-12-31T23:59:59+00:00", "9999-12-31T23:59:59-14:00"])
def test_a_work_order_is_due_when_every_clock_can_show(world: World, due: str) -> None:
    roads.bring(world, "二线尝试解决")
    order = {"type": "ONS", "group": "WG-TRM", "comment": "x", "due_finish": due}
    before = world.dump()

    refused = world.at_desk("郑浩").post(f"/incidents/{world.no}/work-orders", order)

    assert (refused.status_code, set(refused.json["fields"])) == (422, {"due_finish"})
    assert world.dump() == before


def test_two_people_on_one_task_give_one_success_and_one_conflict(world: World) -> None:
    roads.bring(world, "分派至二线支持")
    task, together = open_task(world), Barrier(2)
    path = f"/tasks/{task['id']}/complete"

    def dispatch(who: str, group: str) -> Any:
        desk = world.at_desk(who)
        together.wait()
        return desk.post(path, {"group": group})

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(dispatch, ("李娜", "陈刚"), ("WG-TRM", "WG-APP")))

    assert sorted(one.status_code for one in answers) == [200, 409]
    (lost,) = (one for one in answers if one.status_code == 409)
    assert lost.json["code"] in ("task-not-open", "stale-instance")
    assert [order["type"] for order in world.incident()["work_orders"]] == ["DSP"]
    assert len([row for row in world.happened("completed") if row["element"] == "T200_5"]) == 1


def test_two_people_claim_one_task(world: World) -> None:
    roads.bring(world, "收集信息")
    task, together = open_task(world), Barrier(2)

    def claim(who: str) -> Any:
        desk = world.at_desk(who)
        together.wait()
        return desk.post(f"/tasks/{task['id']}/claim", {})

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(claim, ("李娜", "陈刚")))

    assert sorted(one.status_code for one in answers) == [200, 409]
    winner = answers.index(next(one for one in answers if one.status_code == 200))
    assert open_task(world)["assignee"] == words.PEOPLE[("李娜", "陈刚")[winner]]


def open_task(world: World) -> dict[str, Any]:
    """The one open task of the call."""
    (task,) = world.at_desk("李娜").get(f"/tasks?incident={world.no}").json["items"]
    return dict(task)


def complete(world: World, who: str, answer: dict[str, Any]) -> Any:
    """Answer the one open task with this body."""
    return world.at_desk(who).post(f"/tasks/{open_task(world)['id']}/complete", answer)


@pytest.mark.parametrize(
    ("key", "variables"),
    [
        ("escalation", {"level": ["E1"]}),
        ("escalation", {"level": 1}),
        ("escalation", {"level": True}),
        ("escalation", {"reason": ["a"], "level": "E9"}),
        ("incident_200", {"entry": "reopen", "reason": ["a"], "method": ["HIST"]}),
        ("incident_200", {"entry": "return_from_request", "classification": ["INC-USE"]}),
        ("incident_200", {"entry": "return_from_request", "classification": 200}),
    ],
    ids=str,
)
def test_a_process_is_not_begun_with_what_is_no_code(
    world: World, key: str, variables: dict[str, Any]
) -> None:
    roads.bring(world, "二线尝试解决")
    given = {name: {"value": value} for name, value in ({"reason": "x"} | variables).items()}
    before = world.dump()

    refused = world.at_desk("刘洋").post(
        f"/engine-rest/process-definition/key/{key}/start", {"businessKey": world.no, "variables": given}
    )

    assert refused.status_code in (400, 409, 422), refused.text
    assert world.dump() == before


@pytest.mark.parametrize(
    "when",
    [
        "1900-01-01T09:00:00+08:00",
        "2006-11-23T09:00:00+08:00",
        "2025-11-22T09:04:59+08:00",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_a_report_from_long_ago_is_refused_to_the_manager_too(world: World, when: str) -> None:
    before = world.dump()

    refused = world.record("刘洋", roads.CALL | {"reported_at": when})

    assert (refused.status_code, set(refused.json["fields"])) == (422, {"reported_at"})
    assert world.dump() == before


def test_the_oldest_report_that_the_manager_may_enter_is_worked_on(world: World) -> None:
    assert world.record("刘洋", roads.CALL | {"reported_at": "2025-11-22T09:05:00+08:00"}).status_code == 201

    answer = complete(
        world, "刘洋", {"outcome_2": "proceed", "category": "TRM", "impact": "I4", "urgency": "U2"}
    )

    assert answer.status_code == 200, answer.text
