"""A diagram that is deployed without its forms keeps those that an earlier deployment had."""

from typing import Any

import pytest

from engine import reads
from engine.errors import InvalidDiagram, InvalidForm
from tests.engine.conftest import Office
from tests.engine.drawing import end, process, user
from tests.engine.test_messages import BOUNDARY
from tests.engine.test_tasks import CHOICE, CHOICE_FORM, OUTCOME, form

NOTE = {"key": "note", "type": "textfield"}
WHY = {"key": "why", "type": "textfield", "validate": {"required": True}}
GO = form(WHY, id="message_go")
RENAMED = CHOICE.replace(b'name="P"', b'name="P, drawn anew"')
OTHER = process("Q", user("b", camunda_formRef="a"), end(), flows="s>b; b>e")


def fields(office: Office, element: str) -> set[str]:
    """The fields of an open task's form."""
    found = office.engine.form(office.task(element).id)
    assert found is not None
    return set(found.keys)


def files(office: Office, deployment_id: str) -> dict[str, bytes]:
    with office.database.read() as connection:
        return reads.resources(connection, deployment_id)


def test_a_task_keeps_its_form_when_the_diagram_comes_alone(office: Office) -> None:
    first = office.deploy(CHOICE, a=CHOICE_FORM)

    done = office.deploy(RENAMED)
    office.start()
    with pytest.raises(InvalidForm, match="nonsense"):
        office.complete("a", outcome="more", nonsense=1)

    assert done.definitions == (("P", 2),)
    assert [(one.file, one.deployment_id) for one in done.carried] == [("a.form", first.id)]
    assert files(office, done.id)["a.form"] == CHOICE_FORM


def test_a_message_is_checked_on_when_the_diagram_comes_alone(office: Office) -> None:
    office.deploy(BOUNDARY, message_go=GO)

    done = office.deploy(BOUNDARY.replace(b'name="c"', b'name="C"'))
    office.start()
    with pytest.raises(InvalidForm, match="why"):
        office.send("go", nonsense=1)

    assert done.definitions == (("P", 2),) and [one.file for one in done.carried] == ["message_go.form"]
    assert office.open() == ["a"]


def test_the_newest_earlier_deployment_that_has_the_form_gives_it(office: Office) -> None:
    office.deploy(CHOICE, a=CHOICE_FORM)
    newest = office.deploy(OTHER, a=form(OUTCOME))
    office.deploy(process("R", user("c"), end(), flows="s>c; c>e"))

    done = office.deploy(RENAMED)
    office.start()

    assert [one.deployment_id for one in done.carried] == [newest.id]
    assert fields(office, "a") == {"outcome"}


def test_what_was_carried_over_twice_is_said_to_come_from_where_it_was_deployed(office: Office) -> None:
    first = office.deploy(CHOICE, a=CHOICE_FORM)
    office.deploy(RENAMED)

    done = office.deploy(CHOICE)

    assert [one.deployment_id for one in done.carried] == [first.id]


def test_a_form_that_comes_along_is_the_one_that_counts(office: Office) -> None:
    office.deploy(CHOICE, a=CHOICE_FORM)

    done = office.deploy(CHOICE, other_name=form(OUTCOME))
    office.start()

    assert done.carried == ()
    assert fields(office, "a") == {"outcome"}


def test_a_running_instance_keeps_the_form_it_started_with(office: Office) -> None:
    office.deploy(CHOICE, a=CHOICE_FORM)
    office.start(business_key="K1")

    office.deploy(OTHER, a=form(OUTCOME))
    office.deploy(RENAMED)

    assert fields(office, "a") == {"outcome", "note"}


def test_only_what_the_diagram_asks_for_is_carried_over(office: Office) -> None:
    office.deploy(CHOICE, a=CHOICE_FORM, z=form(NOTE, id="z"), message_go=GO)

    done = office.deploy(RENAMED)

    assert set(files(office, done.id)) == {"d0.bpmn", "a.form"}


def test_a_form_whose_file_name_is_taken_is_carried_over_under_another(office: Office) -> None:
    office.deploy(CHOICE, z=CHOICE_FORM)

    done = office.deploy(RENAMED, z=form(NOTE, id="z"))
    office.start()

    assert set(files(office, done.id)) == {"d0.bpmn", "z.form", "_z.form"}
    assert fields(office, "a") == {"outcome", "note"}


def test_a_diagram_that_comes_alone_again_is_no_new_version(office: Office) -> None:
    office.deploy(CHOICE, a=CHOICE_FORM)

    alone = office.deploy(CHOICE)
    again = office.deploy(RENAMED), office.deploy(RENAMED)

    assert (alone.unchanged, alone.carried) == (True, ())
    assert [one.unchanged for one in again] == [False, True]


def test_the_conditions_of_the_diagram_are_held_against_the_form_that_is_carried_over(office: Office) -> None:
    office.deploy(CHOICE, a=CHOICE_FORM)
    before = office.rows()

    with pytest.raises(InvalidDiagram, match="vanished"):
        office.deploy(CHOICE.replace(b"'more'", b"'vanished'"))

    assert office.rows() == before


def test_a_form_that_exists_nowhere_is_refused_with_its_element_and_file(office: Office) -> None:
    office.deploy(CHOICE, a=CHOICE_FORM)
    before = office.rows()

    with pytest.raises(InvalidDiagram) as refused:
        office.deploy(CHOICE.replace(b'formRef="a"', b'formRef="b"'))

    found: Any = next(f for f in refused.value.findings if f.rule == "unknown-form")
    assert (found.file, found.element_id) == ("d0.bpmn", "a")
    assert "b.form" in found.zh and "b.form" in found.en
    assert office.rows() == before
