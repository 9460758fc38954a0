"""What calls for a level: events, refusals, the clock (PROCESS §6.6.3, §6.6.4)."""

from collections.abc import Iterable

from handlers import levels, messages
from handlers.codes import Code
from handlers.incident import Case, Scene
from handlers.messages import ESCALATION
from handlers.outcome import Job, Line, Notice, Outcome

RESTORED = "XR"
WITHDRAWN = "withdrawn"
OVER = ("ST7", "ST8", "ST9")
SHARE = "T"


def trigger(
    case: Case, code: str, scene: Scene, variant: str | None = None, *, least: str | None = None
) -> Outcome:
    """An event calls for a level (§6.6.4): start an escalation, raise the active one, or only log it.

    `least` is a level that it does not fall below.
    """
    wanted = scene.codes.row("escalation_trigger", code).data["levels"]
    level = wanted.get(variant or case.incident.priority or "*") or wanted["*"]
    return call_for(case, code, levels.highest(least, level, scene), scene)


def restore(case: Case, scene: Scene) -> Outcome:
    """A refused confirmation re-opens the level where it was (§6.6.5)."""
    level = left_at(case)
    return call_for(case, RESTORED, level, scene) if level else Outcome()


def left_at(case: Case) -> str | None:
    """Where the last escalation was; what was withdrawn is nowhere: somebody decided so (§6.6.5)."""
    last = case.escalations[-1] if case.escalations else None
    return last.level if last and last.end_reason != WITHDRAWN else None


def by_time(case: Case, code: str, level: str, scene: Scene) -> Outcome:
    """A moment calls for a level: a child leaves it to its parent; handed off, the level is only told."""
    call = case.incident
    if call.parent:
        return Outcome(lines=[Line("escalation_left_to_parent", f"{code} {level} {call.parent}")])
    if call.status in OVER:
        told = status_to(case, (level,), (), f"{code}/{level}/{call.version}", scene)
        return told + Outcome(lines=[Line("escalation_told", f"{code} {level}")])
    return call_for(case, code, level, scene)


def call_for(case: Case, code: str, level: str, scene: Scene) -> Outcome:
    """A job, because an escalation moves in its own transaction; below the present level only a log line.

    What calls for the same level another time, a second group that stays silent, is another job.
    """
    call, active, row = case.incident, case.escalation, known(code, scene)
    if not (row.active and row.data.get("automatic") and scene.codes.policy("automatic_escalation")):
        return Outcome(lines=[Line("escalation_not_automatic", f"{code} {level}")])
    if active and levels.rank(level, scene) < levels.rank(active.level, scene):
        return Outcome(lines=[Line("escalation_below", f"{code} {level}, {active.level}")])
    said = {"trigger": code, "level": level}
    payload = {
        "process": ESCALATION,
        "business_key": call.no,
        "variables": {**said, "reason": name(code, scene)},
        "message": "threshold_reached",
        "data": said,
    }
    key = f"{code}:{level}:{call.no}:{call.version}"
    job = Job("start_or_send", f"escalation:{key}", payload)
    return Outcome(jobs=[job], lines=[Line("escalation_requested", f"{code} {level}")])


def status_to(case: Case, told: Iterable[str], groups: Iterable[str], key: str, scene: Scene) -> Outcome:
    """Where the call stands, to the holders of some levels and to the leaders of some groups."""
    call = case.incident
    wanted = [*(levels.group(call, level, scene) for level in told), *groups]
    people = dict.fromkeys(one for code in wanted for one in scene.facts.leaders(code))
    params = {"level": call.escalation_level or "-"}
    return Outcome(
        notices=[Notice("escalation_status", one, params, f"status/{key}/{one}") for one in people]
    )


def ending(case: Case) -> list[Job]:
    """The message that ends the active escalation when the call is solved, closed or handed off."""
    active = case.escalation if case.incident.escalation_level else None
    if active is None:
        return []
    no = case.incident.no
    return [messages.send(f"solved:{no}:{active.seq}", "solved", no, process=ESCALATION)]


def known(code: str, scene: Scene) -> Code:
    """The row of a trigger; every share of the clock is the row T."""
    return scene.codes.row("escalation_trigger", SHARE if is_share(code) else code)


def is_share(code: str) -> bool:
    """T25, T50 …: a share of the resolve clock."""
    return code.startswith(SHARE) and code[1:].replace(".", "", 1).isdigit()


def name(code: str, scene: Scene) -> str:
    """What a trigger is called, with the share."""
    row = known(code, scene)
    return f"{row.name_zh} {code[1:]}%" if is_share(code) else row.name_zh
