"""Two boundary events of one task that wait for the same message: nobody could say which one takes it."""

from engine import lint
from tests.engine.drawing import boundary, end, message, process, user


def test_one_message_at_two_boundaries_of_a_task_is_refused() -> None:
    first, second = (boundary(key, "a", message("gone")) for key in ("b", "c"))
    drawn = process("P", user("a"), first, second, end(), end("e2"), end("e3"), flows="s>a; a>e; b>e2; c>e3")

    found = lint.lint({"p.bpmn": drawn}, topics=frozenset(), forms=None)

    assert [f.rule for f in found if f.severity == "error"] == ["same-message"]
