"""What vendor or third line promises while it works on a call, after its first answer (PROCESS 200.8)."""

from handlers import answers, deadlines, rights
from handlers.errors import PromiseNotNow
from handlers.incident import Answer, Case, Engagement, Scene
from handlers.outcome import Line, Outcome, Row

STEP, STATUS = "200.8", "ST5"


def promise(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """By when it is done now; it replaces what was promised before, and is watched like that (X8).

    A promise that is broken by now is so, however late the look at it comes.
    Raises NotAllowed, HandlerConcerned, PromiseNotNow, Missing, BadTime.
    """
    rights.second_line(case, scene, "promise")
    rights.not_concerned(case, scene)
    engagement = _at_work(case)
    answers.need(answer, "promised_at")
    until, note = answers.future(answer, "promised_at", scene.now), answers.text(answer, "note")
    broken = engagement.promised_at is not None and engagement.promised_at <= scene.now
    due = deadlines.look(case, {}, scene) if broken else Outcome()
    row = Row("vendor_engagement", engagement.seq, {"promised_at": until})
    noted = [Line("note", note)] if note else []
    return due + Outcome(rows=[row], lines=[Line("promised", f"{until:%Y-%m-%dT%H:%M:%SZ}"), *noted])


def _at_work(case: Case) -> Engagement:
    call, engagement = case.incident, case.engagement
    if engagement is None or (call.step, call.status) != (STEP, STATUS):
        raise PromiseNotNow(no=call.no, step=call.step, status=call.status)
    return engagement


VERBS = {"promise": promise}
