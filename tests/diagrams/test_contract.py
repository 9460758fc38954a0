"""The diagrams keep what PROCESS §6.2.2, §6.4, §6.6.5 fix, and bpmn/README.md tells the truth on them."""

import json
import re
from pathlib import Path

import pytest
from lxml import etree

BPMN = Path(__file__).parents[2] / "bpmn"
README = (BPMN / "README.md").read_text(encoding="utf-8")
B = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
C = "{http://camunda.org/schema/1.0/bpmn}"
MODELER = "{http://camunda.org/schema/modeler/1.0}"
INCIDENT = etree.parse(BPMN / "incident_200.bpmn").getroot()
ESCALATION = etree.parse(BPMN / "escalation.bpmn").getroot()
BOTH = (INCIDENT, ESCALATION)
DESK, GROUP, HOLDER = "WG-SD,WG-IM", "${group},WG-IM", "${holder_group},WG-IM"

USER_TASKS = {
    "T200_1": ("产生新记录(200.1)", "帮助台(一线支持)", DESK, {"step": "200.1", "status": "ST1"}),
    "T200_2": ("收集信息(200.2)", "帮助台(一线支持)", DESK, {"step": "200.2", "status": "ST2"}),
    "T200_3_complaint": ("分析是否确属申述(200.3)", "帮助台(一线支持)", DESK, {"step": "200.3"}),
    "S200_3": ("服务请求处理流程(200.3)", "帮助台(一线支持)", DESK, {"step": "200.3"}),
    "T200_4": ("一线支持尝试解决(200.4)", "帮助台(一线支持)", DESK, {"step": "200.4", "status": "ST2"}),
    "T200_5": ("分派至二线支持(200.5)", "帮助台(一线支持)", DESK, {"step": "200.5", "status": "ST2"}),
    "T200_5_accept": ("二线受理(200.5)", "二线支持", GROUP, {"step": "200.5", "status": "ST3"}),
    "T200_5_manager": ("事件经理指定工作组(200.5)", "事件经理", "WG-IM", {"step": "200.5", "status": "ST2"}),
    "T200_6": ("二线尝试解决(200.6)", "二线支持", GROUP, {"step": "200.6", "status": "ST4"}),
    "T200_7": ("联系供应商(200.7)", "二线支持", GROUP, {"step": "200.7", "status": "ST5"}),
    "T200_8": ("三线/供应商尝试解决(200.8)", "二线支持", GROUP, {"step": "200.8", "status": "ST5"}),
    "T200_9": ("与客户确认(200.9)", "帮助台(一线支持)", DESK, {"step": "200.9", "status": "ST7"}),
    "T200_9_manager": (
        "事件经理决定是否关闭(200.9)",
        "事件经理",
        "WG-IM",
        {"step": "200.9", "status": "ST7"},
    ),
    "T200_10": ("关闭事件记录(200.10)", "帮助台(一线支持)", DESK, {"step": "200.10"}),
    "T_ack": ("接收确认(4.4-3)", "级别负责人", HOLDER, {"step": "4.4-3"}),
    "T_decide": ("决策(4.4-4)", "级别负责人", HOLDER, {"step": "4.4-4"}),
}
SERVICE_TASKS = {
    "H_classify": ("分类与范围检查", "classify"),
    "H_priority": ("计算优先级/启动时限", "prioritise"),
    "H_assign": ("生成工单/确定受派人", "assign"),
    "H_vendor": ("记录/发送供应商联系", "contact_vendor"),
    "H_close": ("关闭处理", "close"),
    "H_register": ("登记升级(4.4-1)", "register_escalation"),
    "H_notify": ("通知(4.4-2)", "notify"),
    "H_act": ("执行(4.4-5)", "act"),
    "H_end": ("结束(4.4-7)", "end_escalation"),
}
WAITS = {
    "W_request": ({"step": "200.3", "status": "ST9"}, {"request_done", "withdraw"}, 0),
    "E_vendor": (
        {"step": "200.7", "status": "ST5"},
        {"vendor_answered", "escalation_decided", "withdraw"},
        1,
    ),
    "W_customer": ({"status": "ST6", "hold": "H1"}, {"customer_replied", "withdraw"}, 1),
    "W_change": ({"status": "ST6", "hold": "H2"}, {"change_done", "withdraw"}, 1),
    "W_parent": ({"status": "ST6", "hold": "H3"}, {"parent_solved", "detached", "withdraw"}, 0),
    "W_agreed": ({"status": "ST6", "hold": "H4"}, {"agreed_date_reached", "withdraw"}, 1),
    "W_parts": ({"status": "ST6", "hold": "H5"}, {"parts_arrived", "withdraw"}, 1),
    "W_monitor": ({"step": "4.4-6"}, {"solved", "threshold_reached", "withdraw_escalation"}, 1),
}
OUTCOMES = {
    "G_entry": {"new": "T200_1", "reopen": "G_solver", "return_from_request": "T200_2"},
    "G2": {
        "proceed": "H_priority",
        "reclassify": "H_classify",
        "duplicate": "W_parent",
        "false_alarm": "T200_10",
        "need_info": "W_customer",
    },
    "G_complaint": {"true": "S200_3", "false": "H_classify"},
    "G3": {
        "answered": "T200_9",
        "handed_off": "W_request",
        "returned_as_incident": "T200_2",
        "refused": "T200_10",
    },
    "G3_done": {"completed": "T200_9", "returned_as_incident": "T200_2", "refused": "T200_10"},
    "G_4": {
        "resolved": "T200_9",
        "escalate": "T200_5",
        "need_info": "W_customer",
        "reclassify": "H_classify",
        "duplicate": "W_parent",
        "false_alarm": "T200_10",
    },
    "G_forced": {"false": "T200_5_accept", "true": "T200_6"},
    "G_accept": {"accepted": "T200_6", "rejected": "G_designate"},
    "G_designate": {"false": "T200_5", "true": "T200_5_manager"},
    "G5": {
        "resolved": "T200_9",
        "vendor": "T200_7",
        "back_to_desk": "T200_5",
        "need_info": "W_customer",
        "need_change": "W_change",
        "suspend": "W_agreed",
        "wait_parts": "W_parts",
        "duplicate": "W_parent",
    },
    "G_vendor": {"waiting": "E_vendor", "no_response": "T200_6"},
    "G6": {"accepted": "T200_8", "declined": "T200_6", "taken_back": "T200_6"},
    "G7": {
        "resolved": "T200_9",
        "unresolved": "T200_6",
        "taken_back": "T200_6",
        "need_change": "W_change",
        "need_info": "W_customer",
    },
    "G8": {"confirmed": "T200_10", "refused": "G_solver", "unreachable": "G_unreach"},
    "G_unreach": {
        "retry": "T200_9",
        "close": "T200_10",
        "closed": "H_close",
        "manager": "T200_9_manager",
    },
    "G_9m": {"close": "T200_10", "retry": "T200_9"},
    "G_solver": {step: step for step in ("S200_3", "T200_4", "T200_5", "T200_6")},
    "G_return": {step: step for step in ("T200_2", "T200_4", "T200_6", "T200_8")},
    "G_acked": {"false": "T_ack", "true": "W_monitor"},
}
MESSAGES = {
    "withdraw",
    "recall",
    "time_box_over",
    "unanswered",
    "customer_replied",
    "change_done",
    "parts_arrived",
    "parent_solved",
    "detached",
    "agreed_date_reached",
    "vendor_answered",
    "request_done",
    "escalation_decided",
}


def element(id: str) -> etree._Element:
    found = [e for root in BOTH for e in root.iterfind(f".//*[@id='{id}']")]
    assert len(found) == 1, id
    return found[0]


def elements(tag: str) -> list[etree._Element]:
    return [e for root in BOTH for e in root.iter(f"{B}{tag}")]


def properties(id: str) -> dict[str, str]:
    path = f"{B}extensionElements/{C}properties/{C}property"
    return {p.get("name"): p.get("value") for p in element(id).iterfind(path)}


def lane_of(id: str) -> str:
    (lane,) = [lane for lane in elements("lane") if any(ref.text == id for ref in lane)]
    return lane.get("name")


def leaving(id: str) -> list[etree._Element]:
    return [f for f in elements("sequenceFlow") if f.get("sourceRef") == id]


def condition(flow: etree._Element) -> str:
    return flow.findtext(f"{B}conditionExpression", default="")


def message_of(catcher: etree._Element) -> str | None:
    definition = catcher.find(f"{B}messageEventDefinition")
    return None if definition is None else element(definition.get("messageRef")).get("name")


def catchers(message: str) -> set[str]:
    events = (*elements("boundaryEvent"), *elements("intermediateCatchEvent"))
    return {e.get("id") for e in events if message_of(e) == message}


@pytest.mark.parametrize("id", USER_TASKS)
def test_user_task_has_its_label_lane_group_form_and_status(id: str):
    name, lane, groups, declared = USER_TASKS[id]

    task = element(id)

    assert task.tag == f"{B}userTask"
    assert task.get("name") == name
    assert lane_of(id) == lane
    assert task.get(f"{C}candidateGroups") == groups
    assert (task.get(f"{C}formRef"), task.get(f"{C}formRefBinding")) == (id.lower(), "deployment")
    assert form(id.lower())["id"] == id.lower()
    assert properties(id) == declared


@pytest.mark.parametrize("id", SERVICE_TASKS)
def test_service_task_has_its_label_and_topic(id: str):
    task = element(id)

    assert task.tag == f"{B}serviceTask"
    assert (task.get("name"), task.get(f"{C}topic")) == SERVICE_TASKS[id]
    assert task.get(f"{C}type") == "external"
    assert lane_of(id) == "系统(自动)"


@pytest.mark.parametrize("id", WAITS)
def test_wait_is_an_event_gateway_with_its_messages_and_at_most_one_timer(id: str):
    declared, messages, timers = WAITS[id]

    branches = [element(flow.get("targetRef")) for flow in leaving(id)]

    assert element(id).tag == f"{B}eventBasedGateway"
    assert properties(id) == declared
    assert {message_of(b) for b in branches} - {None} == messages
    assert sum(b.find(f"{B}timerEventDefinition") is not None for b in branches) == timers
    assert all(len(leaving(b.get("id"))) == 1 for b in branches)


@pytest.mark.parametrize("id", OUTCOMES)
def test_every_outcome_has_its_way(id: str):
    ways = {}
    for flow in leaving(id):
        for value in re.findall(r"== '?(\w+)'?", condition(flow)):
            ways[value] = flow.get("targetRef")

    assert ways == OUTCOMES[id]


def test_type_decision_comes_right_after_the_record():
    ways = {condition(f): f.get("targetRef") for f in leaving("G1")}

    assert [f.get("targetRef") for f in leaving("T200_1")] == ["H_classify"]
    assert ways == {
        "${in_scope == false}": "T200_10",
        "${in_scope == true and call_type == 'INC'}": "T200_2",
        "${in_scope == true and call_type == 'SR'}": "S200_3",
        "${in_scope == true and call_type == 'CMP'}": "T200_3_complaint",
    }


def test_no_gateway_has_a_default_and_every_choice_is_labelled():
    for gateway in elements("exclusiveGateway"):
        flows = leaving(gateway.get("id"))
        assert gateway.get("default") is None
        if len(flows) > 1:
            assert all(condition(f) and f.get("name") for f in flows), gateway.get("id")


def test_only_gateways_carry_conditions_and_no_two_flows_join_the_same_pair():
    flows = elements("sequenceFlow")
    pairs = [(f.get("sourceRef"), f.get("targetRef")) for f in flows]

    assert len(pairs) == len(set(pairs))
    for flow in flows:
        if condition(flow):
            assert element(flow.get("sourceRef")).tag == f"{B}exclusiveGateway"


def test_a_caller_can_withdraw_anywhere_before_confirmation():
    before = {id for id in USER_TASKS if id[1:4] == "200"} - {"T200_9", "T200_9_manager", "T200_10"}
    waits = set(WAITS) - {"W_monitor"}

    hosts = {element(id).get("attachedToRef") for id in catchers("withdraw")} - {None}
    waiting = {id for id in waits for f in leaving(id) if f.get("targetRef") in catchers("withdraw")}
    ways = {f.get("targetRef") for id in catchers("withdraw") for f in leaving(id)}

    assert hosts == before
    assert waiting == waits
    assert ways == {"G_withdrawn"}
    assert [f.get("targetRef") for f in leaving("G_withdrawn")] == ["T200_10"]


@pytest.mark.parametrize(
    ("boundary", "host", "target"),
    [
        ("B_time_box", "T200_4", "G_group"),
        ("B_recall", "T200_5_accept", "T200_5"),
        ("B_escalation_decided", "T200_6", "T200_5"),
        ("B_escalation_decided_5_accept", "T200_5_accept", "T200_5"),
        ("B_escalation_decided_7", "T200_7", "T200_5"),
        ("B_escalation_decided_8", "T200_8", "T200_5"),
        ("B_ack_timeout", "T_ack", "H_register"),
        ("B_threshold_ack", "T_ack", "H_register"),
        ("B_threshold_decide", "T_decide", "H_register"),
        ("B_solved_ack", "T_ack", "H_end"),
        ("B_solved_decide", "T_decide", "H_end"),
    ],
)
def test_boundary_interrupts_its_task(boundary: str, host: str, target: str):
    event = element(boundary)

    assert event.get("attachedToRef") == host
    assert event.get("cancelActivity") in (None, "true")
    assert [f.get("targetRef") for f in leaving(boundary)] == [target]


@pytest.mark.parametrize(
    ("catch", "target"),
    [
        ("C_vendor_escalation_decided", "T200_5"),
        ("C_vendor_timer", "H_vendor"),
        ("C_parent_solved", "T200_9"),
        ("C_parent_detached", "G_return"),
        ("C_customer_replied", "G_return"),
        ("C_customer_timer", "G_return"),
        ("C_change_done", "G_return"),
        ("C_change_timer", "G_return"),
        ("C_agreed_date_reached", "G_return"),
        ("C_agreed_timer", "G_return"),
        ("C_parts_arrived", "G_return"),
        ("C_parts_timer", "G_return"),
        ("C_monitor_solved", "H_end"),
        ("C_withdraw_escalation", "H_end"),
        ("C_threshold_reached", "H_register"),
        ("C_monitor_timer", "H_notify"),
    ],
)
def test_wait_goes_on_at(catch: str, target: str):
    assert [f.get("targetRef") for f in leaving(catch)] == [target]


def test_classification_says_only_what_it_does():
    text = element("H_classify").findtext(f"{B}documentation", default="")

    assert "未关闭的呼叫" in text and "重复" not in text


def test_messages_are_those_of_the_process():
    names = [{m.get("name") for m in root.iter(f"{B}message")} for root in BOTH]

    assert names == [MESSAGES, {"solved", "threshold_reached", "withdraw_escalation"}]


@pytest.mark.parametrize("root", BOTH, ids=["incident_200", "escalation"])
def test_profile_is_camunda_7(root: etree._Element):
    (process,) = root.iter(f"{B}process")

    assert root.get(f"{MODELER}executionPlatform") == "Camunda Platform"
    assert root.get(f"{MODELER}executionPlatformVersion") == "7.24.0"
    assert process.get("isExecutable") == "true"
    assert process.get(f"{C}historyTimeToLive") == "3650"
    assert process.get(f"{C}versionTag") == "1.0.0"


def test_every_step_is_explained():
    for tag in ("userTask", "serviceTask", "eventBasedGateway", "startEvent", "endEvent"):
        for node in elements(tag):
            assert re.search(r"(PROCESS §|ST8)", node.findtext(f"{B}documentation", default="")), node.get(
                "id"
            )


# bpmn/README.md


def table(heading: str) -> list[list[str]]:
    """The rows of the table under a heading, without its head."""
    section = re.split(r"^## ", README, flags=re.M)
    (text,) = [s for s in section if s.split("\n", 1)[0].endswith(heading)]
    rows = [line.strip("|\n ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return rows[2:]


def quoted(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def test_readme_lists_the_topics_with_their_tasks():
    listed = {(topic.strip("`"), task.strip("`")) for topic, task, *_ in table("Topics")}

    assert listed == {(e.get(f"{C}topic"), e.get("id")) for e in elements("serviceTask")}


def test_readme_lists_the_messages_with_their_catchers():
    listed = {row[0].strip("`"): quoted(row[2]) for row in table("Messages")}

    assert listed == {m.get("name"): catchers(m.get("name")) for m in elements("message")}


def test_readme_lists_the_payload_of_every_message_as_its_form_has_it():
    for name, payload, *_ in table("Messages"):
        keys = {c["key"] for c in form(f"message_{name.strip('`')}")["components"] if "key" in c}

        assert set(payload.split(", ")) - {"—"} == keys, name


def form(id: str) -> dict:
    return json.loads((BPMN / f"{id}.form").read_text(encoding="utf-8"))


def test_readme_lists_the_values_that_gateways_ask():
    listed = {row[2].strip("`"): set(re.findall(r"[A-Za-z]\w+", row[1])) for row in table("Variables")}
    in_words = {"G_group", "G_forced", "G_designate", "G_complaint", "G_acked", "G1", "G_decided"}

    assert set(listed) == set(OUTCOMES) | in_words
    for gateway in set(OUTCOMES) - in_words:
        assert listed[gateway] == set(OUTCOMES[gateway]), gateway


def test_readme_names_every_variable_of_a_condition():
    names = {name for row in table("Variables") for name in quoted(row[0])}
    asked = {
        name
        for flow in elements("sequenceFlow")
        for name in re.findall(r"[a-z]\w*", re.sub(r"'[^']*'", "", condition(flow)))
    }

    assert asked - {"and", "or", "true", "false", "null"} == names


def test_readme_lists_the_timers():
    listed = {(id, row[1].strip("`")) for row in table("Timers") for id in quoted(row[0])}
    timers = {
        (e.get("id"), e.findtext(f"{B}timerEventDefinition/{B}timeDate"))
        for tag in ("boundaryEvent", "intermediateCatchEvent")
        for e in elements(tag)
        if e.find(f"{B}timerEventDefinition") is not None
    }

    assert listed == timers


def test_every_element_that_the_readme_names_exists():
    ids = {e.get("id") for root in BOTH for e in root.iterfind(".//*[@id]")}
    named = {n for n in quoted(README) if re.fullmatch(r"(T200|T_|S200|H_|W_|C_|B_|E_|G)\w*", n)}

    assert named <= ids
