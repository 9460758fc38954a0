"""The step language of the flows, in Chinese: it reads like prose and speaks HTTP only.

Every flow lives on SQLite with another process before every step, and on PostgreSQL without a break;
the scenarios of PROCESS §7 are restarted on both databases.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_bdd import parsers, step, then, when

from api import auth, install
from tests.conftest import FAST, Clock
from tests.flows import invariants, roads, words
from tests.flows.words import moment
from tests.flows.world import World, shown

Table = list[list[str]]


@pytest.fixture
def restarts(request: pytest.FixtureRequest, database_kind: str) -> bool:
    """Whether the service is another process before each step."""
    return database_kind == "sqlite" or re.match(r"test_s\d\d", request.node.name) is not None


@pytest.fixture
def world(
    installed_url: str, clock: Clock, restarts: bool, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """The service with the cast; a new process needs no slow hash for strangers here."""
    monkeypatch.setattr(auth, "PasswordHasher", lambda: FAST)
    made = World(installed_url, clock, restarts)
    install.load_codes(made.product)
    yield made
    made.stop()


@pytest.fixture
def datatable() -> Table:
    """A step without a table has an empty one."""
    return []


def pytest_bdd_before_step(request: pytest.FixtureRequest, step: Any) -> None:
    """Another process before whatever is done next, if this is a life with restarts."""
    if step.type != "then":
        request.getfixturevalue("world").between_steps()


def pytest_bdd_after_step(request: pytest.FixtureRequest, step: Any) -> None:
    """After everything that is done the invariants of PROCESS §6.11 hold."""
    if step.type != "then":
        world = request.getfixturevalue("world")
        with world.product.database.read() as connection:
            assert invariants.broken(connection) == []
        assert world.clocks_ran_back() == []


def said(pattern: str) -> Any:
    """A step; {…} stands for a word without blanks, {…:text} for anything."""
    regex = re.sub(r"\{(\w+):text\}", r"(?P<\1>.+)", pattern)
    return parsers.re(re.sub(r"\{(\w+)\}", r"(?P<\1>[^\\s「」]+)", regex) + "$")


# time and beginnings


@step(said("现在是 {when:text}"))
@step(said("到了 {when:text}"))
def time_passes(world: World, when: str) -> None:
    """The first time of a flow is set; later ones are come to, with the workers at work."""
    target = moment(when, world.clock())
    world.come_to(target) if world.no else world.begin(target)


@step(said("一个呼叫正停在「{place:text}」"))
def a_call_stands_at(world: World, place: str) -> None:
    """A call by the shortest road."""
    roads.bring(world, place)


@step(said("一个 {priority} 呼叫正停在「{place:text}」"))
def a_call_of_this_priority_stands_at(world: World, priority: str, place: str) -> None:
    """A call by the shortest road, judged to have this priority."""
    roads.bring(world, place, priority)


@when(said("服务中断到 {when:text}"))
def service_is_down(world: World, when: str) -> None:
    """No worker ran until then; now they do what they missed."""
    world.clock.set(moment(when, world.clock()))
    world.work()


@step(said("把它记作「{name}」"))
def remember(world: World, name: str) -> None:
    """Give the call a name for later."""
    world.named[name] = world.no


@step(said("说回「{name}」"))
def speak_of(world: World, name: str) -> None:
    """From now on this call is meant."""
    world.no = world.named[name]


@when(said("服务重新启动"))
def starts_again(world: World) -> None:
    """What a start of the service does on a database that it knows."""
    install.load_codes(world.product)


@step(said("代码表「{table}」增加"))
def code_rows(world: World, table: str, datatable: Table) -> None:
    """Rows that the owner of the process adds: the code, and figures by their names."""
    head, *rows = datatable
    world.add_codes(table, [dict(zip(head, row, strict=True)) for row in rows])


# what people do


@when(said("{who} 登记来电"))
def records(world: World, who: str, datatable: Table) -> None:
    """Record a call; its number is told."""
    taken(world, world.record(who, words.answer("t200_1", world.known(datatable))), 201)


@when(said("{who} 完成「{place:text}」"))
def completes(world: World, who: str, place: str, datatable: Table) -> None:
    """Answer the form of an open task."""
    taken(world, world.complete(who, place, datatable))


@when(said("{who} 领取「{place:text}」"))
def claims(world: World, who: str, place: str) -> None:
    """Take an open task."""
    taken(world, world.at_desk(who).post(f"/tasks/{world.open_task(place)['id']}/claim", {}))


@when(said("{who} 退回「{place:text}」"))
def unclaims(world: World, who: str, place: str) -> None:
    """Give a task back to its groups."""
    taken(world, world.at_desk(who).post(f"/tasks/{world.open_task(place)['id']}/unclaim", {}))


@when(said("{who} 报告「{message:text}」"))
def reports(world: World, who: str, message: str, datatable: Table) -> None:
    """Something happened outside."""
    taken(world, world.say(who, message, datatable))


@when(said("{who} 重开,理由「{reason:text}」"))
def reopens(world: World, who: str, reason: str) -> None:
    """Reopen a closed call."""
    taken(world, _reopen(world, who, reason))


@when(said("{who} 升级,理由「{reason:text}」"))
def escalates(world: World, who: str, reason: str) -> None:
    """Escalate by hand."""
    taken(world, world.at_desk(who).post(f"/incidents/{world.no}/escalations", {"reason": reason}), 201)


@when(said("{who} 通报「{text:text}」"))
def tells(world: World, who: str, text: str) -> None:
    """Tell the caller where it stands."""
    taken(world, world.at_desk(who).post(f"/incidents/{world.no}/updates", {"text": text}))


@when(said("{who} 登记承诺 {when}"))
def records_a_promise(world: World, who: str, when: str) -> None:
    """By when the vendor is done now."""
    taken(world, world.promise(who, when))


@when(said("{who} {verb}工单「{kind}」"))
def steps_an_order(world: World, who: str, verb: str, kind: str) -> None:
    """Accept or finish the last work order of a kind, where no task carries it."""
    order = [one for one in world.rows("work_orders") if one["type"] == kind][-1]
    step_, data = words.ORDER_STEPS[verb]
    taken(world, world.at_desk(who).post(f"/work-orders/{order['no']}/{step_}", data))


@when(said("{who} 调整影响度、紧急度"))
def judges_anew(world: World, who: str, datatable: Table) -> None:
    """Another impact or urgency, and with it another priority."""
    taken(world, world.judge(who, datatable))


@when(said("{who} 导入 {year} 年的节假日和调休"))
def imports_days(world: World, who: str, year: str, datatable: Table) -> None:
    """日期, 上班 (是 or 否), 名称; what the year had before is gone."""
    taken(world, world.import_days(who, year, datatable))


@when(said("{who} 确认交接班 {change}"))
def acknowledges(world: World, who: str, change: str) -> None:
    """The incoming agent has the hand-over list."""
    taken(world, world.at_desk(who).post(f"/shift-changes/{change}/acknowledge", {}))


@when(said("{who} 受理工单"))
def accepts_the_order(world: World, who: str) -> None:
    """The newest work order of the call is accepted outside a task."""
    no = world.rows("work_orders")[-1]["no"]
    taken(world, world.at_desk(who).post(f"/work-orders/{no}/accept", {}))


def taken(world: World, answer: Any, status: int = 200) -> None:
    """It was accepted; the workers do what follows from it."""
    assert answer.status_code == status, answer.text
    world.answer = answer
    world.work()


# what is refused


@when(said("{who} 试图完成「{place:text}」"))
def tries_to_complete(world: World, who: str, place: str, datatable: Table) -> None:
    """The answer is looked at later."""
    world.before = world.dump()
    world.answer = world.complete(who, place, datatable)


@when(said("{who} 试图登记来电"))
def tries_to_record(world: World, who: str, datatable: Table) -> None:
    """The answer is looked at later."""
    world.before = world.dump()
    world.answer = world.record(who, words.answer("t200_1", datatable))


@when(said("{who} 试图确认交接班 {change}"))
def tries_to_acknowledge(world: World, who: str, change: str) -> None:
    """The answer is looked at later."""
    world.before = world.dump()
    world.answer = world.at_desk(who).post(f"/shift-changes/{change}/acknowledge", {})


@when(said("{who} 试图报告「{message:text}」"))
def tries_to_report(world: World, who: str, message: str, datatable: Table) -> None:
    """The answer is looked at later."""
    world.before = world.dump()
    world.answer = world.say(who, message, datatable)


@when(said("{who} 试图重开,理由「{reason:text}」"))
def tries_to_reopen(world: World, who: str, reason: str) -> None:
    """The answer is looked at later."""
    world.before = world.dump()
    world.answer = _reopen(world, who, reason)


@when(said("{who} 试图升级,理由「{reason:text}」"))
def tries_to_escalate(world: World, who: str, reason: str) -> None:
    """The answer is looked at later."""
    world.before = world.dump()
    world.answer = world.at_desk(who).post(f"/incidents/{world.no}/escalations", {"reason": reason})


@when(said("{who} 试图调整影响度、紧急度"))
def tries_to_judge_anew(world: World, who: str, datatable: Table) -> None:
    """The answer is looked at later."""
    world.before = world.dump()
    world.answer = world.judge(who, datatable)


@when(said("{who} 试图通报「{text:text}」"))
def tries_to_tell(world: World, who: str, text: str) -> None:
    """The answer is looked at later."""
    world.before = world.dump()
    world.answer = world.at_desk(who).post(f"/incidents/{world.no}/updates", {"text": text})


@when(said("{who} 试图登记承诺 {when}"))
def tries_to_record_a_promise(world: World, who: str, when: str) -> None:
    """The answer is looked at later."""
    world.before = world.dump()
    world.answer = world.promise(who, when)


@when(said("{who} 试图导入 {year} 年的节假日和调休"))
def tries_to_import_days(world: World, who: str, year: str, datatable: Table) -> None:
    """The answer is looked at later."""
    world.before = world.dump()
    world.answer = world.import_days(who, year, datatable)


@then(said("被拒绝:{code}"))
def is_refused(world: World, code: str) -> None:
    """Refused by this name, and nothing changed."""
    assert world.answer is not None
    assert (world.answer.json.get("code"), world.answer.status_code // 100) == (code, 4), world.answer.text
    assert world.dump() == world.before


def _reopen(world: World, who: str, reason: str) -> Any:
    said_ = {"name": "reopen", "data": {"reason": reason}}
    return world.at_desk(who).post(f"/incidents/{world.no}/messages", said_)


# what is seen


@then(said("状态变化是"))
def statuses_with_times(world: World, datatable: Table) -> None:
    """Time and status of each change, from the audit log."""
    day, expected = world.clock(), []
    for when_, status in datatable:
        day = moment(when_, day)
        expected.append([shown(day.isoformat()), status])
    seen = [[shown(line["at"]), line["new"]] for line in _status_lines(world)]
    assert seen == expected


@then(said("状态依次是 {path}"))
def statuses_in_order(world: World, path: str) -> None:
    """The statuses of the audit log."""
    assert [line["new"] for line in _status_lines(world)] == path.split("→")


@then(said("路径是 {path}"))
def path_of_steps(world: World, path: str) -> None:
    """The steps that were entered, each stay once, from the history of all instances."""
    steps = [number for row in world.happened("entered") if (number := words.step(row["name"]))]
    stays = [number for place, number in enumerate(steps) if place == 0 or steps[place - 1] != number]
    assert stays == path.split("→")


@then(said("依次停在 {path}"))
def places_in_order(world: World, path: str) -> None:
    """Every place where the token rested, by the names of the diagram."""
    assert [words.bare(row["name"]) for row in world.happened("entered")] == path.split("→")


@then(said("升级依次停在 {path}"))
def places_of_the_escalation(world: World, path: str) -> None:
    """The same for the escalation."""
    rows = world.happened("entered", process="escalation")
    assert [words.bare(row["name"]) for row in rows] == path.split("→")


@then(said("经手人是"))
def done_by(world: World, datatable: Table) -> None:
    """Which task was completed by whom, and when."""
    day, expected = world.clock(), []
    for place, who, when_ in datatable:
        day = moment(when_, day)
        expected.append([place, who, shown(day.isoformat())])
    rows = world.happened("completed")
    assert [[words.bare(row["name"]), shown(row["by"]), shown(row["at"])] for row in rows] == expected


@then(said("记录显示"))
def record_shows(world: World, datatable: Table) -> None:
    """Fields of the record, by their Chinese names."""
    record = world.incident()
    assert [[name, shown(record[words.COLUMNS[name]])] for name, _ in datatable] == world.known(datatable)


@then(said("时限是"))
def clocks_are(world: World, datatable: Table) -> None:
    """The last clock of each kind that is named; amounts in minutes."""
    (_, *columns), *expected = datatable
    clocks = world.clocks()
    for kind, *values in expected:
        clock = [one for one in clocks if one["clock"] == words.CLOCKS[kind]][-1]
        assert [kind, *(reading(clock[words.READINGS[name]]) for name in columns)] == [kind, *values]


@then(said("接下来自动发生"))
def comes_by_itself(world: World, datatable: Table) -> None:
    """The next moments, as many as are named: 时限, 份额, 时间, 触发, 级别."""
    coming = world.at_desk("李娜").get(f"/incidents/{world.no}/clocks").json["coming"]
    rows = [
        [one["clock"], *(reading(one[name]) for name in ("share", "at", "trigger", "level"))]
        for one in coming
    ]
    assert rows[: len(datatable)] == datatable


@then(said("引发升级的是"))
def was_raised_by(world: World, datatable: Table) -> None:
    """Every trigger that reached an escalation of the call: 触发, 级别, 时间."""
    raised = [one for escalation in world.incident()["escalations"] for one in escalation["raises"]]
    assert [[one["trigger"], one["level"], shown(one["at"])] for one in raised] == datatable


@then(said("日志写着「{what}」:{text:text}"))
def log_line_says(world: World, what: str, text: str) -> None:
    """A line of the audit log of this kind contains the text."""
    lines = [line["new"] or "" for line in world.history()["log"] if line["what"] == what]
    assert any(text in line for line in lines), f"{what}: {lines}"


@then(parsers.re(rf"(?P<kind>{'|'.join(words.TABLES)})是$"))
def rows_are(world: World, kind: str, datatable: Table) -> None:
    """What hangs on the record, kind by kind: all rows, the named columns."""
    part, columns = words.TABLES[kind]
    head, *expected = datatable
    rows = world.rows(part)
    assert [[shown(row[columns[name]]) for name in head] for row in rows] == expected


@then(parsers.re(rf"没有(?P<kind>{'|'.join(words.TABLES)})$"))
def no_rows(world: World, kind: str) -> None:
    """Nothing of this kind."""
    assert world.rows(words.TABLES[kind][0]) == []


@then(said("待办是「{place:text}」,处理人 {who}"))
def open_task_is(world: World, place: str, who: str) -> None:
    """The one open task of the incident's own process."""
    tasks = [one for one in world.incident()["tasks"] if one["process"] == "incident_200"]
    assert [(words.bare(one["name"]), shown(one["assignee"])) for one in tasks] == [(place, who)]


@then(said("停在「{place:text}」"))
def stands_at(world: World, place: str) -> None:
    """Where the token of the call rests."""
    running = [one for one in world.incident()["instances"] if one["ended_at"] is None]
    tokens = [token for one in running if one["process"] == "incident_200" for token in one["tokens"]]
    assert [words.bare(token["name"]) for token in tokens] == [place]


@then(said("等待的消息是 {names}"))
def waits_for_messages(world: World, names: str) -> None:
    """What could move it from outside."""
    running = [one for one in world.incident()["instances"] if one["ended_at"] is None]
    waiting = {name for one in running for name in one["waits_for"]["messages"]}
    assert waiting == {words.MESSAGES[name] for name in names.split("、")}


@then(said("交接班是"))
def shift_changes_are(world: World, datatable: Table) -> None:
    """All shift changes so far, the named columns."""
    head, *expected = datatable
    rows = world.at_desk("李娜").get("/shift-changes?sort=starts_at").json["items"]
    assert [[shown(row[words.SHIFT_CHANGES[name]]) for name in head] for row in rows] == expected


@then(said("没有交接班"))
def no_shift_changes(world: World) -> None:
    """The desk never had one."""
    assert world.at_desk("李娜").get("/shift-changes").json["items"] == []


@then(said("交接清单 {change} 是"))
def hand_over_list_is(world: World, change: str, datatable: Table) -> None:
    """The hand-over list in its order, the named columns; the call by its remembered name."""
    head, *expected = datatable
    names = {no: f"「{name}」" for name, no in world.named.items()}
    rows = world.at_desk("李娜").get(f"/shift-changes/{change}").json["calls"]
    cells = [[row[words.HAND_OVER[name]] for name in head] for row in rows]
    seen = [
        [cell["text"] if isinstance(cell, dict) else names.get(cell, shown(cell)) for cell in row]
        for row in cells
    ]
    assert seen == expected


@then(said("流程已结束"))
def is_over(world: World) -> None:
    """Every instance of the call reached an end event, and no task is left."""
    incident = world.incident()
    assert all(one["end_element"] for one in incident["instances"])
    assert incident["tasks"] == []


@then(said("升级已结束"))
def escalation_is_over(world: World) -> None:
    """The escalation's instance reached its end event."""
    instances = [one for one in world.incident()["instances"] if one["process"] == "escalation"]
    assert instances
    assert all(one["end_element"] == "End_Escalation" for one in instances)


@then(said("升级流程走过 {count} 次"))
def escalation_instances(world: World, count: str) -> None:
    """How many escalation instances the call has had."""
    instances = [one for one in world.incident()["instances"] if one["process"] == "escalation"]
    assert len(instances) == int(count)


@then(said("发出的「{event}」通知给 {names}"))
def notices_go_to(world: World, event: str, names: str) -> None:
    """The recipients of all outbox rows of this event, in their order."""
    seen = [shown(row["recipient"]) for row in world.notices() if row["event"] == event]
    assert sorted(seen) == sorted(names.split("、"))


@then(said("{when} 发出的「{event}」通知给 {names}"))
def notices_go_at(world: World, when: str, event: str, names: str) -> None:
    """Who hears of this event in this minute."""
    at = moment(when, world.clock())
    rows = [row for row in world.notices() if row["created_at"].replace(second=0, microsecond=0) == at]
    assert {shown(row["recipient"]) for row in rows if row["event"] == event} == set(names.split("、"))


@then(said("没有发出「{event}」通知"))
def no_notices(world: World, event: str) -> None:
    """No outbox row of this event."""
    assert [row for row in world.notices() if row["event"] == event] == []


@then(said("「{event}」通知写着「{words_:text}」"))
def notice_says(world: World, event: str, words_: str) -> None:
    """The text of an outbox row."""
    assert any(words_ in row["subject"] + row["body"] for row in world.notices() if row["event"] == event)


@then(said("日志里有「{text:text}」"))
def log_says(world: World, text: str) -> None:
    """A line of the audit log."""
    assert text in {line["new"] for line in world.history()["log"]}


@then(said("走的是「{flow:text}」,因为 {condition:text}"))
def went_because(world: World, flow: str, condition: str) -> None:
    """The last flow of this name and the condition that sent it there."""
    taken_ = [row["data"] for row in world.happened("flow") if row["data"]["name"] == flow]
    assert taken_, f"no flow 「{flow}」"
    assert taken_[-1]["condition"] == condition


def _status_lines(world: World) -> list[dict[str, Any]]:
    return [line for line in world.history()["log"] if "status" in (line["field"], line["what"])]


def reading(value: Any) -> str:
    """What a clock shows: whole minutes, wall time."""
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else shown(value)
