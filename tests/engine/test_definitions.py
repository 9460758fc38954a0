"""What a deployment makes of its files, and what it leaves as it is."""

import re

import pytest

from engine.errors import DefinitionNotFound, UnknownFile
from tests.engine.conftest import LINA, MONDAY, Office
from tests.engine.drawing import call, end, process, user
from tests.engine.test_tasks import CHOICE, CHOICE_FORM, OUTCOME, form

P = process("P", user("a"), end(), flows="s>a; a>e")
Q = process("Q", user("b"), end(), flows="s>b; b>e")
Q_NEW = process("Q", user("b"), user("c"), end(), flows="s>b; b>c; c>e")


def deploy(office: Office, duplicates: str, **files: bytes) -> tuple[bool, set[tuple[str, int]]]:
    """Deploy `p=…` as `p.bpmn`, `a_form=…` as `a.form`; unchanged, and the versions."""
    named = {n.replace("_form", ".form") if "_form" in n else f"{n}.bpmn": raw for n, raw in files.items()}
    done = office.engine.deploy("d", named, LINA, MONDAY, duplicates=duplicates)  # type: ignore[arg-type]
    return done.unchanged, set(done.definitions)


def test_unfiltered_every_deployment_is_a_new_version(office: Office) -> None:
    assert [deploy(office, "none", p=P) for _ in range(2)] == [(False, {("P", 1)}), (False, {("P", 2)})]


def test_changed_only_leaves_the_processes_whose_files_are_the_same(office: Office) -> None:
    deploy(office, "changed", p=P, q=Q)

    same = deploy(office, "changed", q=Q, p=P)
    one = deploy(office, "changed", p=P, q=Q_NEW)
    alone = deploy(office, "changed", p=P)

    assert same == (True, {("P", 1), ("Q", 1)})
    assert one == (False, {("P", 1), ("Q", 2)})
    assert alone == (True, {("P", 1)})


def test_a_changed_form_is_a_changed_process_and_a_foreign_form_is_not(office: Office) -> None:
    other = form(OUTCOME, id="z")
    deploy(office, "changed", p=CHOICE, a_form=CHOICE_FORM)

    foreign = deploy(office, "changed", p=CHOICE, a_form=CHOICE_FORM, z_form=other)
    own = deploy(office, "changed", p=CHOICE, a_form=form(OUTCOME))

    assert foreign == (True, {("P", 1)})
    assert own == (False, {("P", 2)})


def test_a_process_that_calls_another_changes_with_it(office: Office) -> None:
    caller = process("P", call("c", "Q"), end(), flows="s>c; c>e")
    deploy(office, "changed", p=caller, q=Q)

    assert deploy(office, "changed", p=caller, q=Q_NEW) == (False, {("P", 2), ("Q", 2)})


@pytest.mark.parametrize("name", ["readme.txt", "priority.dmn"])
def test_a_file_that_would_do_nothing_is_refused(office: Office, name: str) -> None:
    before = office.rows()

    with pytest.raises(UnknownFile, match=re.escape(name)):
        office.engine.deploy("d", {"p.bpmn": P, name: b""}, LINA, MONDAY)

    assert office.rows() == before


def test_a_form_is_known_by_its_ending_in_any_case(office: Office) -> None:
    office.engine.deploy("d", {"p.bpmn": CHOICE, "A.FORM": CHOICE_FORM}, LINA, MONDAY)

    with office.database.read() as connection:
        built = office.engine.definitions.newest(connection, "P")
    assert set(built.forms) == {"a"}


def test_an_old_version_is_started_by_its_id(office: Office) -> None:
    deploy(office, "none", p=P)
    with office.database.read() as connection:
        old = office.engine.definitions.newest(connection, "P")
    deploy(office, "none", p=P)

    started = office.engine.start("P", LINA, MONDAY, definition_id=old.id)
    with pytest.raises(DefinitionNotFound):
        office.engine.start("P", LINA, MONDAY, definition_id="none")

    assert started.version == 1


def test_the_source_of_a_deployment_is_kept(office: Office) -> None:
    office.engine.deploy("d", {"p.bpmn": P}, LINA, MONDAY, source="Camunda Modeler")

    assert [row[2] for row in office.rows()["deployment"]] == ["Camunda Modeler"]


def test_the_version_that_was_asked_for_longest_ago_is_let_go(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.definitions.KEPT", 2)
    for drawn in (P, Q, P.replace(b'"P"', b'"R"')):
        office.deploy(drawn)
    office.restart()
    known = office.engine.definitions

    with office.database.read() as connection:
        first = known.newest(connection, "P")
        second = known.newest(connection, "Q")
        again = known.newest(connection, "P")
        known.newest(connection, "R")
        kept = known.newest(connection, "P")
        anew = known.newest(connection, "Q")

    assert first is again is kept
    assert anew.id == second.id and anew is not second
