"""The reference process in both dialects: classify, first line, a gateway, second line with a timer, close.

It is drawn once; `LOOPED` leads second line back to first line for as long as nobody confirms.
"""

from typing import Any

from tests.engine.drawing import body, boundary, end, file, process, service, timer, user, xor

KEY = "reference"
ROAD = (
    "s>classify; classify>first_line; first_line>gw; gw>close[resolved == true];"
    "gw>second_line[resolved == false]; close>e; sla>notify; notify>late"
)
FLOWS = f"{ROAD}; second_line>close"
LOOPED_FLOWS = f"{ROAD}; second_line>ok; ok>close[confirmed == true]; ok>first_line[confirmed == false]"
NODES = (
    service("classify", "classify"),
    user("first_line", "helpdesk", camunda_formRef="first_line"),
    xor("gw"),
    user("second_line", "second_line", camunda_formRef="second_line"),
    boundary("sla", "second_line", timer("PT4H"), interrupting=False),
    service("notify", "notify"),
    service("close", "close"),
    end(),
    end("late"),
)
DIAGRAM = process(KEY, *NODES, flows=FLOWS)
LOOPED = process(f"{KEY}_looped", *NODES, xor("ok"), flows=LOOPED_FLOWS)

FORMS = {
    "first_line.form": b"""{"id": "first_line", "components": [
        {"type": "checkbox", "key": "resolved", "validate": {"required": true}},
        {"type": "textarea", "key": "notes", "validate": {"maxLength": 4000}}]}""",
    "second_line.form": b"""{"id": "second_line", "components": [
        {"type": "textarea", "key": "solution", "validate": {"required": true}},
        {"type": "select", "key": "end_code", "values": [
            {"value": "solved", "label": "solved"}, {"value": "around", "label": "workaround"}]},
        {"type": "checkbox", "key": "confirmed"}]}""",
}

FIRST = {"resolved": False, "notes": "restarted once, same record"}
SECOND = {"solution": "ledger record repaired", "end_code": "solved", "confirmed": False}
CLOSED = "</spiffworkflow:serviceTaskOperator></extensionElements></serviceTask>"
DESCRIPTION = """Monitoring raised an alert at 02:14. The nightly posting job stopped at the ledger of a
branch; it was restarted once and stopped at the same record. Tellers go on working, but the balances they
see are those of yesterday. The branch asks when they will be right again, and whether withdrawals must be
limited until then. The next posting run begins at 22:00."""


def spiff() -> str:
    """The reference process as SpiffWorkflow's own documentation draws it: Python conditions and timers."""
    drawn = file(body(KEY, *NODES, flows=FLOWS)).decode()
    for topic in ("classify", "notify", "close"):
        old = service(topic, topic)
        operator = f'<spiffworkflow:serviceTaskOperator id="op_{topic}" resultVariable="{topic}_result">'
        head = f'<serviceTask id="{topic}" name="{topic}"><extensionElements>{operator}'
        drawn = drawn.replace(old, f"{head}<spiffworkflow:parameters/>{CLOSED}")
    drawn = drawn.replace("${resolved == true}", "resolved == True")
    drawn = drawn.replace("${resolved == false}", "resolved == False").replace(">PT4H<", ">'PT4H'<")
    extra = 'xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core"'
    return drawn.replace("<definitions ", f"<definitions {extra} ")


def payload(number: int) -> dict[str, Any]:
    """The data that every instance carries: a call of some 800 bytes, as plain values."""
    return {
        "number": f"SD20261123{number:06}",
        "subject": f"Posting job {number} of the core system stopped with return code 12",
        "description": DESCRIPTION,
        "caller": f"U10{number:06}",
        "caller_name": "张伟",
        "caller_org": "Branch office 12",
        "callback_phone": "010-5550123",
        "source": "monitoring",
        "category": "batch",
        "classification": "INC-APP-BAT",
        "ci": "settlement-host-03",
        "impact": 2,
        "urgency": 2,
        "status": "registered",
        "attempts": 0,
        "vip": False,
    }
