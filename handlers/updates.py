"""What the caller hears meanwhile: the desk is the only contact, and owes an update (PROCESS §6.5.8)."""

from handlers import answers, clocks, rights, triggers
from handlers.incident import Answer, Case, Scene
from handlers.outcome import Line, Notice, Outcome


def tell(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """An update for the caller, and for the stakeholders of the priority; the interval begins anew.

    `text` is what the caller reads; the assigned group may write it too. It counts for an alarm as well,
    which has no caller. Raises Missing, NotAllowed.
    """
    rights.desk_or_second_line(case, scene, "update")
    answers.need({"text": answers.text(answer, "text")}, "text")
    call, codes = case.incident, scene.codes
    text = answers.text(answer, "text")
    told = Outcome(
        notices=[Notice("status_update", call.told, {"text": text})],
        lines=[Line("status_update", text), clocks.told(scene.now)],
    )
    row = codes.table("priority").get(call.priority or "")
    if call.major or (row and row.data.get("stakeholders")):
        told += triggers.status_to(
            case, (), codes.policy("stakeholder_groups"), f"update/{call.version}", scene
        )
    return told
