"""The invariants of PROCESS §6.11 (1-6, 13-16, 20), checked over every call of a database."""

from sqlalchemy import Connection, select

from handlers import facts, tables

DISPATCHED = ("W1", "W2", "W3", "W4")
BEFORE_SOLVED = ("ST1", "ST2", "ST3", "ST4", "ST5", "ST6")


def check(connection: Connection) -> int:
    """Assert the invariants of all calls; returns how many calls there are."""
    numbers = connection.execute(select(tables.incident.c.no)).scalars().all()
    desk = set(
        connection.execute(
            select(tables.membership.c.person).where(tables.membership.c.workgroup == "WG-SD")
        ).scalars()
    )
    for no in numbers:
        call = facts.incident(connection, no)
        assert call["owner_group"] == "WG-SD" and call["owner"] in desk, f"{no}: invariant 1"
        _log(connection, call)
        _times(call)
        _closed(call)
        _work_orders(connection, call)
        _family(connection, call)
    return len(numbers)


def _log(connection, call):
    lines = facts.log(connection, call["no"])
    assert facts.broken_log(connection, call["no"]) is None, f"{call['no']}: invariant 20"
    statuses = [line["new"] for line in lines if line["field"] == "status" or line["what"] == "status"]
    assert statuses[-1] == call["status"], f"{call['no']}: invariant 2, {statuses} but {call['status']}"
    for name in ("first_response_at", "first_resolved_at"):
        written = [line for line in lines if line["field"] == name]
        assert len(written) <= 1, f"{call['no']}: invariant 6, {name}"


def _times(call):
    assert call["reported_at"] <= call["recorded_at"], f"{call['no']}: invariant 4"
    assert (call["occurred_at"] or call["recorded_at"]) <= call["recorded_at"], f"{call['no']}: invariant 4"
    if call["first_response_at"] and not call["backfilled"]:
        assert call["recorded_at"] <= call["first_response_at"], f"{call['no']}: invariant 4"
    solved = [call[name] for name in ("first_resolved_at", "resolved_at", "closed_at") if call[name]]
    assert solved == sorted(solved), f"{call['no']}: invariant 4"


def _closed(call):
    if call["status"] == "ST8":
        assert call["closure_code"] and call["closed_at"] and call["closed_by"], f"{call['no']}: invariant 5"
        if call["exit_path"] == "confirmed":
            assert call["confirm_result"] in ("confirmed", "unreachable"), f"{call['no']}: invariant 5"


def _work_orders(connection, call):
    dispatched = [row for row in facts.work_orders(connection, call["no"]) if row["type"] == "DSP"]
    rejected = [row for row in dispatched if row["status"] == "W6"]
    assert call["dispatch_count"] == len(dispatched), f"{call['no']}: invariant 13"
    assert call["reject_count"] == len(rejected), f"{call['no']}: invariant 13"
    assert sum(row["status"] in DISPATCHED for row in dispatched) <= 1, f"{call['no']}: invariant 14"


def _family(connection, call):
    if not call["parent"]:
        return
    parent = facts.incident(connection, call["parent"])
    assert parent["parent"] is None, f"{call['no']}: invariant 15"
    assert call["assigned_group"] is None and call["assignee"] is None, f"{call['no']}: invariant 15"
    if parent["status"] == "ST8":
        assert call["status"] not in BEFORE_SOLVED, f"{call['no']}: invariant 16"
