"""Work orders (工单): issued, stepped along PROCESS §6.7.7, and stepped together with the call."""

from typing import Any

from handlers import calendar
from handlers.errors import WorkOrderRefused
from handlers.incident import Case, Scene, WorkOrder
from handlers.outcome import Notice, Outcome, Row

OPEN = ("W1", "W2", "W3", "W4")
ENGAGED = ("VND", "L3")


def issue(case: Case, kind: str, scene: Scene, *, place: int = 0, **values: Any) -> Row:
    """A new work order in W1; `place` counts those issued before it by the same decision."""
    seq = len(case.work_orders) + 1 + place
    fixed = {
        "no": f"{case.incident.no}-{seq:02d}",
        "type": kind,
        "status": "W1",
        "created_at": scene.now,
        "created_by": scene.by.id,
    }
    return Row("work_order", seq, fixed | values, new=True)


def told(order: Row, person: str) -> Notice:
    """The message about a new work order that no task of the diagram carries."""
    return Notice("dispatched", person, {"group": order.values["group"]}, f"issued/{order.seq}/{person}")


def step(order: WorkOrder, to: str, scene: Scene, **values: Any) -> tuple[Row, ...]:
    """The rows that bring a work order to `to`, by way of the states that lie between."""
    path = _path(order.status, to, scene)
    if path is None:
        raise WorkOrderRefused(no=order.no, old=order.status, new=to)
    last = len(path) - 1
    return tuple(
        Row(
            "work_order",
            order.seq,
            {"status": state, **stamps(order, state, scene), **(values if place == last else {})},
        )
        for place, state in enumerate(path)
    )


def accepted(order: Row, scene: Scene) -> Row:
    """W2 for a work order that the same decision has just issued."""
    return Row("work_order", order.seq, {"status": "W2", "accepted_at": scene.now})


def recall(case: Case, scene: Scene, *types: str) -> Outcome:
    """W7 for every open work order, or for those of the given types; who worked on one is told."""
    outcome = Outcome()
    for order in case.work_orders:
        if order.status in OPEN and (not types or order.type in types):
            rows = step(order, "W7", scene, finished_at=scene.now)
            outcome += Outcome(rows=rows, notices=recalled(order, scene))
    return outcome


def recalled(order: WorkOrder, scene: Scene) -> list[Notice]:
    """Who has the work order need not work on it any more; who recalls his own knows."""
    if order.assignee in (None, scene.by.id):
        return []
    return [Notice("recalled", order.assignee, {"order": order.no}, f"recalled/{order.seq}")]


def take_back(case: Case, scene: Scene) -> tuple[Row, ...]:
    """V6 for the engagement that runs, when its work orders are recalled."""
    engagement = case.engagement
    if engagement is None:
        return ()
    return (Row("vendor_engagement", engagement.seq, {"result": "V6", "finished_at": scene.now}),)


def pause(case: Case, scene: Scene) -> tuple[Row, ...]:
    """W4 for the dispatch that a hold interrupts."""
    order = case.dispatch
    return step(order, "W4", scene) if order and order.status in ("W2", "W3") else ()


def resume(case: Case, scene: Scene) -> tuple[Row, ...]:
    """W3 for the dispatch that a hold interrupted."""
    order = case.dispatch
    return step(order, "W3", scene) if order and order.status == "W4" else ()


def work(case: Case, scene: Scene) -> tuple[Row, ...]:
    """W3 for the dispatch that is worked on (again)."""
    order = case.dispatch
    return step(order, "W3", scene) if order and order.status in ("W2", "W4", "W5", "W8") else ()


def accept(case: Case, scene: Scene) -> tuple[Row, ...]:
    """W2 for the dispatch, with the one who accepted it."""
    order = case.dispatch
    return step(order, "W2", scene, assignee=scene.by.id) if order else ()


def reject(case: Case, scene: Scene, **values: Any) -> tuple[Row, ...]:
    """W6 for the dispatch, with the coded reason."""
    order = case.dispatch
    return step(order, "W6", scene, **values) if order else ()


def finish(
    case: Case, result: str, scene: Scene, *, seq: int | None = None, **values: Any
) -> tuple[Row, ...]:
    """W5 with its result for the dispatch, or for the work order `seq`."""
    order = case.dispatch if seq is None else next(o for o in case.work_orders if o.seq == seq)
    if order is None or order.status not in OPEN:
        return ()
    return step(order, "W5", scene, result=result, finished_at=scene.now, **values)


def carried(case: Case) -> tuple[WorkOrder, ...]:
    """The open work orders that tasks of the diagram carry: the dispatch, at 200.7-200.8 the engagement's."""
    opened = [order for order in case.work_orders if order.status in OPEN]
    engaged = case.engagement if any(order.type in ENGAGED for order in opened) else None
    running = engaged.work_order if engaged else None
    return tuple(order for order in opened if order == case.dispatch or order.seq == running)


def reassign(order: WorkOrder, assignee: str | None, scene: Scene) -> tuple[Row, ...]:
    """Another member of the group works on it; a finished work order keeps who did it."""
    return (Row("work_order", order.seq, {"assignee": assignee}),) if order.status in OPEN else ()


def accept_by(case: Case, priority: str, raised: bool, scene: Scene) -> list[Row]:
    """The limits of what nobody has accepted yet, by another priority; a raise makes none later (§6.5.3)."""
    rows = []
    for order in case.work_orders:
        if order.status == "W1" and order.due_accept and order.created_at:
            due = calendar.due(scene.codes, priority, "accept", scene.now if raised else order.created_at)
            due = min(due or order.due_accept, order.due_accept) if raised else due
            rows.append(Row("work_order", order.seq, {"due_accept": due}))
    return rows


def close(case: Case, scene: Scene) -> Outcome:
    """W8 for every finished work order, with the call."""
    rows = [row for order in case.work_orders if order.status == "W5" for row in step(order, "W8", scene)]
    return Outcome(rows=rows)


def _path(old: str, new: str, scene: Scene) -> list[str] | None:
    """The shortest way from one state to another by the table, without its start."""
    table = scene.codes.table("work_order_status")
    ways: list[list[str]] = [[old]]
    seen = {old}
    while ways:
        way = ways.pop(0)
        for state in table[way[-1]].data["next"]:
            if state == new:
                return [*way[1:], state]
            if state not in seen and state in OPEN:
                seen.add(state)
                ways.append([*way, state])
    return None


def stamps(order: WorkOrder, state: str, scene: Scene) -> dict[str, Any]:
    """The moment that a state stands for; work begins once, and goes on without the end it had (§6.7.7)."""
    match state:
        case "W2":
            return {"accepted_at": scene.now}
        case "W3":
            undone = {"finished_at": None, "result": None} if order.finished_at else {}
            return {"started_at": order.started_at or scene.now, **undone}
        case _:
            return {}
