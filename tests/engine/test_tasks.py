"""Deploying, starting, claiming, completing: who may, what is refused, and that a refusal changes nothing."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import update

from engine import store
from engine.errors import (
    DefinitionNotFound,
    EngineError,
    InstanceOpen,
    InvalidData,
    InvalidDiagram,
    InvalidForm,
    NotCandidate,
    NothingToAnswer,
    StaleInstance,
    TaskAssigned,
    TaskNotFound,
    TaskNotOpen,
    TooLarge,
)
from engine.plain import PlainDomain
from engine.ports import Actor, Nothing
from tests.engine.conftest import GUEST, LINA, MONDAY, ZHAO, Office
from tests.engine.drawing import (
    boundary,
    catch,
    end,
    fork,
    message,
    process,
    service,
    timer,
    user,
    wait,
    xor,
)

TWO_STEPS = process("P", user("a"), user("b", "G2"), end(), flows="s>a; a>b; b>e")
CHOICE = process(
    "P",
    user("a", camunda_formRef="a", camunda_formRefBinding="deployment"),
    xor("g"),
    user("b"),
    end(),
    flows="s>a; a>g; g>b[outcome == 'more']; g>e[outcome == 'done']; b>a",
)


def form(*components: dict[str, Any], id: str = "a") -> bytes:
    return orjson.dumps({"id": id, "type": "default", "components": components})


OUTCOME = {
    "key": "outcome",
    "type": "select",
    "label": "结果",
    "values": [{"value": "more", "label": "继续"}, {"value": "done", "label": "完成"}],
    "validate": {"required": True},
}
CHOICE_FORM = form(OUTCOME, {"key": "note", "type": "textfield", "validate": {"maxLength": 20}})


class Proposing(PlainDomain):
    """Proposes 李娜 for the task `a`, without her having claimed it."""

    def moved(self, command: Any, instance: Any, open_elements: Any, *_: Any) -> Any:
        return Nothing(tasks={"a": Fields(assignee="lina")})


class Fields:
    groups = priority = due_at = None

    def __init__(self, assignee: str | None) -> None:
        self.assignee = assignee


# deploy


def test_the_same_set_again_changes_nothing(office: Office) -> None:
    first = office.deploy(TWO_STEPS)
    before = office.rows()

    second = office.deploy(TWO_STEPS)

    assert (second.id, second.definitions, second.unchanged) == (first.id, (("P", 1),), True)
    assert office.rows() == before


def test_a_new_version_leaves_running_instances_on_the_old_one(office: Office) -> None:
    office.deploy(TWO_STEPS)
    old = office.start(business_key="K1")
    office.deploy(process("P", user("c"), end(), flows="s>c; c>e"))

    new = office.start(business_key="K2")
    moved = office.complete("a")

    assert (old.version, new.version, moved.version) == (1, 2, 1)
    assert office.open() == ["b", "c"]


@pytest.mark.parametrize(
    "files",
    [
        {"d.bpmn": b"<definitions"},
        {"d.bpmn": b"<!DOCTYPE x [<!ENTITY e 'x'>]><x>&e;</x>"},
        {"d.bpmn": process("P", user("a"), end(), flows="s>a; a>nowhere")},
        {"d.bpmn": process("P", service("a", "unknown_topic"), end(), flows="s>a; a>e")},
        {"d.bpmn": TWO_STEPS, "a.form": b"{"},
        {"d.bpmn": CHOICE, "a.form": form({"key": "outcome", "type": "teleport"})},
        {"d.bpmn": CHOICE},
        {},
    ],
    ids=["broken", "doctype", "dangling", "topic", "form", "component", "form-missing", "empty"],
)
def test_bad_files_are_refused_by_name_and_change_nothing(office: Office, files: dict[str, bytes]) -> None:
    office.deploy(TWO_STEPS)
    before = office.rows()

    with pytest.raises(InvalidDiagram) as refused:
        office.engine.deploy("bad", files, LINA, MONDAY)

    assert refused.value.findings
    assert all(f.zh and f.en for f in refused.value.findings)
    assert office.rows() == before and not office.failures()


# start


def test_an_unknown_process_cannot_be_started(office: Office) -> None:
    with pytest.raises(DefinitionNotFound):
        office.start("nothing")
    with pytest.raises(DefinitionNotFound):
        office.start("\x00")


def test_a_business_key_has_one_open_instance_of_a_process(office: Office) -> None:
    office.deploy(TWO_STEPS)
    office.start()
    before = office.rows()

    with pytest.raises(InstanceOpen):
        office.start()

    assert office.rows() == before


def test_a_start_with_an_answer_is_one_transaction(office: Office) -> None:
    office.deploy(CHOICE, a=CHOICE_FORM)

    with pytest.raises(InvalidForm):
        office.engine.start("P", LINA, MONDAY, business_key="K1", answer={"outcome": "maybe"})
    nothing = office.tasks()
    started = office.engine.start("P", LINA, MONDAY, business_key="K1", answer={"outcome": "more"})

    assert not nothing
    assert office.open() == ["b"] and started.variables["outcome"] == "more"
    assert ("completed", "a") in office.happened(started.id)


def test_a_start_with_an_answer_needs_a_user_task_to_answer(office: Office) -> None:
    office.deploy(process("P", catch("c", message("go")), end(), flows="s>c; c>e"))

    with pytest.raises(NothingToAnswer):
        office.engine.start("P", LINA, MONDAY, business_key="K1", answer={})

    assert not office.failures()


@pytest.mark.parametrize("key", ["K" * 201, "K\x00", "K\ud800"], ids=["long", "nul", "surrogate"])
def test_a_business_key_must_be_storable(office: Office, key: str) -> None:
    office.deploy(TWO_STEPS)

    with pytest.raises(InvalidData, match="business_key"):
        office.start(business_key=key)


# claim


def test_a_claimed_task_is_not_for_others_until_it_is_given_back(office: Office) -> None:
    office.deploy(TWO_STEPS)
    instance = office.start()
    task = office.task("a")

    office.engine.claim(task.id, LINA, office.now)
    with pytest.raises(TaskAssigned):
        office.engine.claim(task.id, ZHAO, office.now)
    with pytest.raises(TaskAssigned):
        office.complete("a", by=ZHAO)
    office.engine.unclaim(task.id, LINA, office.now)
    office.engine.claim(task.id, ZHAO, office.now)

    assert office.task("a").assignee == "zhao"
    assert [k for k, _ in office.happened(instance.id)][-3:] == ["claimed", "unclaimed", "claimed"]


def test_only_a_candidate_may_claim_or_complete(office: Office) -> None:
    office.deploy(TWO_STEPS)
    office.start()
    office.complete("a")
    before = office.rows()

    with pytest.raises(NotCandidate):
        office.engine.claim(office.task("b").id, LINA, office.now)
    with pytest.raises(NotCandidate):
        office.complete("b", by=GUEST)

    assert office.rows() == before and not office.failures()
    assert [t.element_id for t in office.tasks(groups=["G2"])] == ["b"]
    assert office.tasks(groups=["G1"]) == ()


def test_completing_an_unclaimed_task_claims_it(office: Office) -> None:
    office.deploy(TWO_STEPS)
    instance = office.start()

    office.complete("a", by=ZHAO)

    told = [(h.kind, h.by) for h in office.history(instance.id) if h.element_id == "a"]
    assert told[:3] == [("entered", "lina"), ("claimed", "zhao"), ("completed", "zhao")]


def test_a_colleague_may_take_over_a_task_that_was_only_proposed(database: Any) -> None:
    office = Office(database, Proposing())
    office.deploy(TWO_STEPS)
    office.start()
    proposed = office.task("a").assignee

    office.engine.claim(office.task("a").id, ZHAO, office.now)

    assert (proposed, office.task("a").assignee) == ("lina", "zhao")
    with pytest.raises(TaskAssigned):
        office.complete("a", by=LINA)


def test_the_domain_hears_who_claimed_before_it_hears_the_answer(database: Any) -> None:
    heard: list[Any] = []

    class Listening(PlainDomain):
        def claimed(self, command: Any, task: Any, assignee: str | None) -> Any:
            heard.append(("claimed", assignee))
            return Nothing(tasks={"a": Fields(assignee=None)})

        def answer(self, command: Any, task: Any, data: Any) -> Any:
            heard.append(("answer", task.assignee))
            return Nothing()

    office = Office(database, Listening())
    office.deploy(TWO_STEPS)
    office.start()

    office.complete("a")

    assert heard == [("claimed", "lina"), ("answer", "lina")]


def test_what_the_domain_says_of_a_claimed_task_is_written(database: Any) -> None:
    class Urgent(PlainDomain):
        def claimed(self, command: Any, task: Any, assignee: str | None) -> Any:
            fields = Fields(assignee=None)
            fields.priority = 90  # type: ignore[assignment]
            return Nothing(tasks={"a": fields})

    office = Office(database, Urgent())
    office.deploy(TWO_STEPS)
    office.start()

    office.engine.claim(office.task("a").id, LINA, office.now)

    assert (office.task("a").priority, office.task("a").assignee) == (90, "lina")


# complete


def test_an_unknown_task_is_not_found(office: Office) -> None:
    for task_id in ("", "nothing", "0" * 36, "1' OR '1'='1", "\x00", "\ud800", "x" * 9999):
        with pytest.raises(TaskNotFound):
            office.engine.complete(task_id, {}, LINA, MONDAY)


def test_a_task_is_completed_once(office: Office) -> None:
    office.deploy(TWO_STEPS)
    office.start()
    task = office.task("a")
    office.complete("a")
    before = office.rows()

    for act in (office.engine.claim, office.engine.unclaim):
        with pytest.raises(TaskNotOpen):
            act(task.id, LINA, office.now)
    with pytest.raises(TaskNotOpen):
        office.engine.complete(task.id, {}, LINA, office.now)

    assert office.rows() == before and not office.failures()


def test_a_task_that_a_message_took_away_is_not_open_any_more(office: Office) -> None:
    office.deploy(
        process(
            "P", user("a"), boundary("b", "a", message("go")), user("c"), end(), flows="s>a; a>e; b>c; c>e"
        )
    )
    office.start()
    task = office.task("a")
    office.send("go")

    with pytest.raises(TaskNotOpen):
        office.engine.complete(task.id, {}, LINA, office.now)


def test_a_stale_revision_is_refused(office: Office) -> None:
    office.deploy(
        process("P", fork("f"), user("a"), user("b"), fork("j"), end(), flows="s>f; f>a; f>b; a>j; b>j; j>e")
    )
    office.start()
    seen, task = office.task("a").revision, office.task("a")
    office.complete("b")

    with pytest.raises(StaleInstance):
        office.engine.complete(task.id, {}, LINA, office.now, revision=seen)
    office.engine.complete(task.id, {}, LINA, office.now, revision=office.task("a").revision)

    assert office.open() == []


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({}, "outcome"),
        ({"outcome": "resovled"}, "outcome"),
        ({"outcome": None}, "outcome"),
        ({"outcome": ["done"]}, "outcome"),
        ({"outcome": {"typename": "x"}}, "outcome"),
        ({"outcome": "done", "x": 1}, "x"),
        ({"outcome": "done", "note": "n" * 21}, "note"),
        ({"outcome": "done", "note": float("nan")}, "note"),
        ({"outcome": "done", "note": "\ud800"}, "note"),
        ({"outcome": "done", "note": "\x00"}, "note"),
    ],
)
def test_an_answer_that_does_not_fit_the_form_names_the_field_and_changes_nothing(
    office: Office, answer: dict[str, Any], field: str
) -> None:
    office.deploy(CHOICE, a=CHOICE_FORM)
    office.start()
    before = office.rows()

    with pytest.raises(InvalidForm) as refused:
        office.complete("a", **answer)

    assert list(refused.value.fields) == [field]
    assert {"zh", "en"} == set(refused.value.fields[field])
    assert office.rows() == before and not office.failures()


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({"typename": "laptop"}, InvalidData),
        ({"a": {"b": 1}}, InvalidData),
        ([{"typename": "x"}], InvalidData),
        ([[1]], InvalidData),
        (float("nan"), InvalidData),
        (float("inf"), InvalidData),
        (2**70, InvalidData),
        ("\ud800", InvalidData),
        ("x" * 70_000, TooLarge),
        (["x" * 1000] * 70, TooLarge),
        (MONDAY, InvalidData),
    ],
)
def test_only_plain_values_of_modest_size_become_variables(
    office: Office, value: Any, error: type[EngineError]
) -> None:
    office.deploy(TWO_STEPS)
    office.start()
    before = office.rows()

    with pytest.raises(error, match="x"):
        office.complete("a", x=value)

    assert office.rows() == before and not office.failures()


def test_plain_values_survive_as_they_are(office: Office) -> None:
    office.deploy(TWO_STEPS)
    office.start()
    given = {"t": True, "n": 1, "f": 1.5, "none": None, "s": "汉字 \x00 🙂", "big": 2**53}

    moved = office.complete("a", **given)
    office.restart()

    assert moved.variables == given
    assert office.instance(moved.id).variables == given


def test_an_answer_does_not_route_twice(office: Office) -> None:
    office.deploy(CHOICE, a=CHOICE_FORM)
    instance = office.start()
    office.complete("a", outcome="more")
    office.complete("b")

    with pytest.raises(InvalidForm):
        office.complete("a")

    assert "outcome" not in office.instance(instance.id).variables


def test_history_tells_which_condition_with_which_values_led_where(office: Office) -> None:
    office.deploy(CHOICE, a=CHOICE_FORM)
    instance = office.start()

    ended = office.complete("a", outcome="done")

    flows = {h.data["flow"]: h.data for h in office.history(instance.id) if h.kind == "flow"}
    assert flows["f_g_e"]["condition"] == "${outcome == 'done'}"
    assert flows["f_g_e"]["values"] == {"outcome": "done"}
    assert "f_g_b" not in flows
    assert (ended.ended_at, ended.end_element) == (office.now, "e")
    assert [h.seq for h in office.history(instance.id)] == list(
        range(1, len(office.history(instance.id)) + 1)
    )


def test_a_timer_behind_a_user_task_runs_from_the_moment_of_the_answer(office: Office) -> None:
    waiting = process(
        "P", user("a"), wait("w"), catch("c", message("go")), catch("t", timer("PT1H")), end(),
        flows="s>a; a>w; w>c; w>t; c>e; t>e",
    )  # fmt: skip
    office.deploy(waiting)
    instance = office.start()
    office.now += timedelta(minutes=10)

    office.complete("a")

    (job,) = office.waits(instance.id)["jobs"]
    assert (job.kind, job.element_id, job.due_at) == ("timer", "t", MONDAY + timedelta(minutes=70))


def test_a_late_tick_does_not_take_back_an_answer(office: Office) -> None:
    late = process(
        "P", user("a"), boundary("b", "a", timer("PT1H")), user("c"), user("d"), end(),
        flows="s>a; a>c; b>d; c>e; d>e",
    )  # fmt: skip
    office.deploy(late)
    office.start()
    office.now += timedelta(hours=5)

    office.complete("a")
    office.tick()

    assert office.open() == ["c"]


def test_nobody_but_the_named_person_completes_a_task_without_groups(office: Office) -> None:
    own = process("P", user("a", "", camunda_assignee="${owner}"), end(), flows="s>a; a>e").replace(
        b' camunda:candidateGroups=""', b""
    )
    office.deploy(own)
    office.start(owner="zhao")

    with pytest.raises(TaskAssigned):
        office.complete("a", by=LINA)
    ended = office.complete("a", by=Actor("zhao"))

    assert ended.ended_at is not None


def test_claiming_ones_own_task_again_changes_nothing(office: Office) -> None:
    office.deploy(TWO_STEPS)
    office.start()
    office.engine.claim(office.task("a").id, LINA, office.now)
    before = office.rows()

    office.engine.claim(office.task("a").id, LINA, office.now + timedelta(minutes=1))

    assert office.rows() == before


def test_an_instance_that_changed_under_the_verb_is_not_overwritten(database: Any) -> None:
    class Meddling(PlainDomain):
        def answer(self, command: Any, task: Any, data: Any) -> Any:
            command.connection.execute(update(store.instance).values(revision=store.instance.c.revision + 1))
            return Nothing()

    office = Office(database, Meddling())
    office.deploy(TWO_STEPS)
    office.start()
    before = office.rows()

    with pytest.raises(StaleInstance):
        office.complete("a")

    assert office.rows() == before
