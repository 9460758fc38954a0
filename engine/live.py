"""One instance at work inside one verb: loaded, moved, and written back with all that follows from it."""

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any

from sqlalchemy import Row, and_, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from engine import state, store, workflow
from engine.diagram import Diagram, Flow
from engine.errors import InstanceOpen, InvalidData, StaleInstance, TooLarge
from engine.expressions import compile_expression
from engine.forms import Form
from engine.ports import Command, Domain, Effect, Element, Instance, Task

VARIABLES_LIMIT = 65_536
TEXT_LIMIT = 20_000


class Live:
    """The host of a workflow (`workflow.Host`): answers its service tasks by the domain, notes history."""

    def __init__(
        self,
        command: Command,
        domain: Domain,
        diagram: Diagram,
        forms: Mapping[str, Form],
        row: Mapping[str, Any],
        flow: workflow.Workflow,
    ) -> None:
        self.command, self.domain, self.diagram, self.forms = command, domain, diagram, forms
        self.row = dict(row)
        self.is_new = not row["revision"]
        self.workflow = flow
        flow.host = self
        self.notes: list[dict[str, Any]] = []
        self.ends: list[str] = []
        self.fields: dict[str, Any] = {}
        self.at_element: str | None = None
        self._known = {str(t.id) for t in workflow.resting(flow)}
        self._asked: dict[str, list[dict[str, Any]]] = {}

    # what the workflow tells and asks

    def running(self, task: Any) -> None:
        """A task is about to run: should it fail, this is where."""
        if (element_id := workflow.element_id(task)) in self.diagram.nodes:
            self.at_element = element_id

    def call(self, task: Any) -> Mapping[str, Any]:
        """A service task runs: the domain answers, its variables go to the token."""
        element = self.diagram.element(workflow.element_id(task))
        self.at_element = element.id
        effect = self.domain.call(self.command, task.task_spec.topic, element, self.view(task.data))
        self.take(effect)
        self.note("called", element, {"topic": task.task_spec.topic, "variables": dict(effect.variables)})
        return scalars(effect.variables)

    def evaluated(self, task: Any, expression: str, values: Mapping[str, Any], result: Any) -> None:
        """A condition or timer was asked; kept until we know which flow was taken."""
        asked = {"condition": expression.strip(), "values": dict(values), "result": bool(result)}
        self._asked.setdefault(str(task.id), []).append(asked)

    def ran(self, task: Any, flows: list[Flow]) -> None:
        """A task is done: note the event it was, and the flows that its token took with their reasons."""
        element = self.diagram.element(workflow.element_id(task))
        node = self.diagram.nodes.get(element.id)
        if node is not None and node.event == "timer" and workflow.is_catching(task):
            self.note("timer", element)
        asked = self._asked.pop(str(task.id), [])
        for flow in flows:
            reason = next((a for a in asked if a["result"] and a["condition"] == flow.condition), None)
            self.note(
                "flow",
                element,
                {
                    "flow": flow.id,
                    "name": flow.name,
                    "to": flow.target,
                    **({"condition": reason["condition"], "values": reason["values"]} if reason else {}),
                },
            )

    def ended(self, task: Any) -> None:
        """An end event was reached: recorded now, never derived from loaded state (trap R2)."""
        element = self.diagram.element(workflow.element_id(task))
        self.ends.append(element.id)
        self.note("ended", element)

    # what the verbs use

    def view(self, variables: Mapping[str, Any]) -> Instance:
        """What a hook may see of this instance."""
        return Instance(
            self.row["id"],
            self.row["process"],
            self.row["version"],
            self.row["business_key"],
            dict(variables),
        )

    def note(self, kind: str, element: Element, data: Mapping[str, Any] | None = None) -> None:
        """Append one history row."""
        self.row["history_seq"] += 1
        self.notes.append(
            {
                "instance_id": self.row["id"],
                "seq": self.row["history_seq"],
                "at": self.command.now,
                "kind": kind,
                "element_id": element.id,
                "element_name": element.name,
                "by": self.command.by.id,
                "data": dict(data) if data else None,
            }
        )

    def take(self, effect: Effect) -> None:
        """Write the jobs of an effect and remember what it says of open tasks."""
        add_jobs(self.command, effect.jobs)
        self.fields.update(effect.tasks)

    def settle(self) -> None:
        """Move the tokens until they rest."""
        workflow.settle(self.workflow, self.diagram)

    def token(self, token: str) -> Any:
        """The workflow's task behind a stored token, or None when it is gone."""
        return next((t for t in self.workflow.all_tasks() if str(t.id) == token), None)

    # writing back

    def save(self) -> None:
        """Write state, tasks, timers, subscriptions, jobs and history of an instance whose tokens rest."""
        self._forget_old_answers()
        resting = workflow.resting(self.workflow)
        self._tell_domain(resting)
        over = not workflow.has_token(self.workflow)
        if over and not self.ends:
            raise workflow.DeadEnd("no token is left and no end event was reached")
        for task in resting:
            if str(task.id) not in self._known:
                self.note("entered", self.diagram.element(workflow.element_id(task)))
        self._write_instance(resting, over)
        self._write_tasks()
        self._write_jobs()
        self._write_subscriptions()
        self._resolve_verb_failures()
        if self.notes:
            self.command.connection.execute(insert(store.history), self.notes)
            self.notes = []
        self._known = {str(t.id) for t in resting}

    def _forget_old_answers(self) -> None:
        """A task that is entered again must not route by the answer of its last visit."""
        for task in workflow.open_user_tasks(self.workflow):
            form = self._form(workflow.element_id(task))
            if form is not None and str(task.id) not in self._known:
                for key in form.keys & task.data.keys():
                    del task.data[key]

    def _form(self, element_id: str) -> Form | None:
        node = self.diagram.nodes.get(element_id)
        return self.forms.get(node.camunda.get("formRef", "")) if node else None

    def _tell_domain(self, resting: list[Any]) -> None:
        ended = self.diagram.element(self.ends[-1]) if self.ends and not resting else None
        elements = tuple(self.diagram.element(workflow.element_id(t)) for t in resting)
        data = resting[0].data if resting else self.workflow.data
        effect = self.domain.moved(self.command, self.view(_only_scalars(data)), elements, ended)
        self.take(effect)
        workflow.set_variables(self.workflow, scalars(effect.variables))

    def _write_instance(self, resting: list[Any], over: bool) -> None:
        data = resting[0].data if resting else {}
        revision = self.row["revision"]
        values = {
            "revision": revision + 1,
            "state": state.dumps(self.workflow, self.diagram),
            "tokens": [workflow.element_id(t) for t in resting],
            "variables": _only_scalars(data),
            "history_seq": self.row["history_seq"],
            "business_key": self.row["business_key"],
            "ended_at": self.command.now if over else None,
            "end_element": self.ends[-1] if over else None,
        }
        table, connection = store.instance, self.command.connection
        try:
            if revision == 0:
                connection.execute(insert(table).values({**self.row, **values}))
            elif not connection.execute(
                update(table).where(table.c.id == self.row["id"], table.c.revision == revision).values(values)
            ).rowcount:
                raise StaleInstance(instance=self.row["id"])
        except IntegrityError as error:
            raise InstanceOpen(key=self.row["business_key"], process=self.row["process"]) from error
        self.row.update(values)

    def _write_tasks(self) -> None:
        table, connection = store.task, self.command.connection
        open_now = {str(t.id): t for t in workflow.open_user_tasks(self.workflow)}
        rows = [] if self.row["revision"] == 1 else self.open_rows()
        known = {r.token: r for r in rows}
        gone = [r.id for r in rows if r.token not in open_now]
        if gone:
            connection.execute(
                update(table)
                .where(table.c.instance_id == self.row["id"], table.c.id.in_(gone))
                .values(completed_at=self.command.now, completed_by=self.command.by.id, cancelled=True)
            )
            self._drop_candidates(gone)
        self._change_tasks([r for r in rows if r.token in open_now])
        for token, task in open_now.items():
            if token not in known:
                self._insert_task(token, task)

    def open_rows(self) -> list[Row[Any]]:
        """The open task rows of this instance."""
        table = store.task
        mine = (table.c.instance_id == self.row["id"], table.c.completed_at.is_(None))
        query = select(table).where(*mine).order_by(table.c.id)
        return list(self.command.connection.execute(query))

    def _insert_task(self, token: str, task: Any) -> None:
        element_id = workflow.element_id(task)
        node = self.diagram.nodes[element_id]
        fields = self.fields.get(element_id)
        groups = tuple(_said(fields, "groups") or _groups(node.camunda.get("candidateGroups", ""), task.data))
        priority = _said(fields, "priority")
        row = {
            "instance_id": self.row["id"],
            "id": store.new_id(),
            "token": token,
            "element_id": element_id,
            "element_name": node.element.name,
            "assignee": _said(fields, "assignee") or _text(node.camunda.get("assignee"), task.data),
            "groups": list(groups),
            "priority": _number(node.camunda.get("priority"), task.data) if priority is None else priority,
            "due_at": _said(fields, "due_at") or _moment(node.camunda.get("dueDate"), task.data),
            "follow_up_at": _moment(node.camunda.get("followUpDate"), task.data),
            "form": node.camunda.get("formRef"),
            "form_key": node.camunda.get("formKey"),
            "created_at": self.command.now,
            "cancelled": False,
        }
        self.command.connection.execute(insert(store.task).values(row))
        self._add_candidates(row["id"], groups)

    def change_open_tasks(self) -> None:
        """Set what the domain said of open tasks, in a verb that moves no token."""
        if self.fields:
            self._change_tasks(self.open_rows())

    def _change_tasks(self, rows: list[Row[Any]]) -> None:
        """None leaves a field as it is."""
        for row in rows:
            if (fields := self.fields.get(row.element_id)) is not None:
                self._change_task(row.id, fields)

    def _change_task(self, task_id: str, fields: Any) -> None:
        values = {k: v for k in ("assignee", "priority", "due_at") if (v := _said(fields, k)) is not None}
        groups = _said(fields, "groups")
        if groups is not None:
            values["groups"] = list(groups)
            self._drop_candidates([task_id])
            self._add_candidates(task_id, groups)
        if values:
            table = store.task
            self.command.connection.execute(
                update(table)
                .where(table.c.instance_id == self.row["id"], table.c.id == task_id)
                .values(values)
            )

    def _add_candidates(self, task_id: str, groups: Any) -> None:
        rows = [
            {"instance_id": self.row["id"], "task_id": task_id, "group": g} for g in dict.fromkeys(groups)
        ]
        if rows:
            self.command.connection.execute(insert(store.candidate), rows)

    def _drop_candidates(self, task_ids: list[str]) -> None:
        table = store.candidate
        self.command.connection.execute(
            delete(table).where(table.c.instance_id == self.row["id"], table.c.task_id.in_(task_ids))
        )

    def close_task(self, task_id: str) -> None:
        """Mark a task as completed by the person of this command."""
        table = store.task
        self.command.connection.execute(
            update(table)
            .where(table.c.instance_id == self.row["id"], table.c.id == task_id)
            .values(
                completed_at=self.command.now, completed_by=self.command.by.id, assignee=self.command.by.id
            )
        )
        self._drop_candidates([task_id])

    def _write_jobs(self) -> None:
        """Timers and parked services are job rows; what no longer waits is cancelled."""
        wanted = {}
        for timer in workflow.timers(self.workflow, self.diagram):
            key = f"timer:{self.row['id']}:{timer.token}:{timer.due.isoformat()}"
            wanted[key] = ("timer", timer.element_id, timer.token, timer.due)
        for task in workflow.parked(self.workflow):
            key = f"service:{self.row['id']}:{task.id}"
            wanted[key] = ("service", workflow.element_id(task), str(task.id), self.command.now)
        table, connection = store.job, self.command.connection
        known: set[str] = set()
        if self.row["revision"] > 1:
            mine = and_(table.c.instance_id == self.row["id"], table.c.kind.in_(("timer", "service")))
            known = set(
                connection.execute(
                    select(table.c.key).where(mine, table.c.state.in_(("open", "failed")))
                ).scalars()
            )
            gone = known - wanted.keys()
            if gone:
                connection.execute(
                    update(table)
                    .where(
                        table.c.instance_id == self.row["id"], table.c.key.in_(gone), table.c.state != "done"
                    )
                    .values(state="cancelled", done_at=self.command.now)
                )
                self._resolve_failures(gone)
        rows = [
            job_row(self.command.now, key, kind, {}, due, self.row["id"], element_id, token)
            for key, (kind, element_id, token, due) in wanted.items()
            if key not in known
        ]
        if rows:
            connection.execute(insert(table), rows)

    def _resolve_failures(self, job_keys: set[str]) -> None:
        """What failed is not waited for any more."""
        table, command = store.failure, self.command
        mine = (
            table.c.instance_id == self.row["id"],
            table.c.job_key.in_(job_keys),
            table.c.resolved_at.is_(None),
        )
        command.connection.execute(
            update(table).where(*mine).values(resolved_at=command.now, resolved_by=command.by.id)
        )

    def _resolve_verb_failures(self) -> None:
        """A person's verb that failed is made good by one that moved the tokens; a job's failure is not."""
        if self.is_new:
            return
        table, command = store.failure, self.command
        mine = (
            table.c.instance_id == self.row["id"],
            table.c.job_key.is_(None),
            table.c.resolved_at.is_(None),
        )
        command.connection.execute(
            update(table).where(*mine).values(resolved_at=command.now, resolved_by=command.by.id)
        )

    def _write_subscriptions(self) -> None:
        table, connection = store.subscription, self.command.connection
        wanted = {(s.token, s.message): s for s in workflow.subscriptions(self.workflow, self.diagram)}
        known: set[tuple[str, str]] = set()
        if self.row["revision"] > 1:
            query = select(table.c.token, table.c.message).where(table.c.instance_id == self.row["id"])
            known = {(r.token, r.message) for r in connection.execute(query)}
            gone = known - wanted.keys()
            if gone:
                either = or_(*(and_(table.c.token == t, table.c.message == m) for t, m in gone))
                connection.execute(delete(table).where(table.c.instance_id == self.row["id"], either))
        rows = [
            {
                "instance_id": self.row["id"],
                "token": s.token,
                "message": s.message,
                "element_id": s.element_id,
                "business_key": self.row["business_key"],
            }
            for key, s in wanted.items()
            if key not in known
        ]
        if rows:
            connection.execute(insert(table), rows)

    def task_view(self, row: Row[Any]) -> Task:
        """What a hook may see of an open task."""
        token = self.token(row.token)
        return task_view(row, self.diagram.element(row.element_id), self.view(token.data if token else {}))


def task_view(row: Row[Any], element: Element, instance: Instance) -> Task:
    """A task as the domain and the API see it."""
    return Task(
        id=row.id,
        element=element,
        instance=instance,
        assignee=row.assignee,
        groups=tuple(row.groups),
        created_at=row.created_at,
        priority=row.priority,
        due_at=row.due_at,
        form=row.form,
        completed_at=row.completed_at,
    )


def job_row(
    now: datetime,
    key: str,
    kind: str,
    payload: Mapping[str, Any],
    due: datetime | None = None,
    instance_id: str = "",
    element_id: str = "",
    token: str = "",
) -> dict[str, Any]:
    """A job that is open and due at once unless told otherwise."""
    return {
        "instance_id": instance_id,
        "id": store.new_id(),
        "key": key,
        "kind": kind,
        "element_id": element_id,
        "token": token,
        "payload": dict(payload),
        "due_at": due or now,
        "attempts": 0,
        "state": "open",
        "created_at": now,
    }


def add_jobs(command: Command, jobs: Any) -> None:
    """Write the jobs a domain asks for; a key that exists already is the same job, not a second one."""
    add = sqlite.insert if command.connection.dialect.name == "sqlite" else postgresql.insert
    for job in jobs:
        row = job_row(command.now, job.key, job.kind, job.payload, job.due)
        command.connection.execute(add(store.job).values(row).on_conflict_do_nothing(index_elements=["key"]))


def scalars(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables, checked: plain values only, since nested ones are shared or lost (traps R4, R10).

    Raises InvalidData naming the variable, TooLarge for more than 64 KiB in all.
    """
    size = 0
    for name, value in variables.items():
        if not isinstance(name, str) or name == "typename" or _unfit(name):
            raise InvalidData(name=store.storable(str(name)), reason="name")
        parts = value if isinstance(value, list) else [value]
        for part in parts:
            if reason := _unfit(part):
                raise InvalidData(name=name, reason=reason)
            size += len(part) if isinstance(part, str) else 8
        size += len(name)
        if size > VARIABLES_LIMIT:
            raise TooLarge(name=name[:100], limit=f"{VARIABLES_LIMIT} B")
    return dict(variables)


def _unfit(value: Any) -> str | None:
    """Why a plain value cannot be written as JSON, or None."""
    match value:
        case None | bool():
            return None
        case str():
            return None if value.encode(errors="ignore").decode() == value else "text"
        case int():
            return None if -(2**63) <= value < 2**63 else "> 64 bit"
        case float():
            return None if isfinite(value) else "NaN / Infinity"
    return type(value).__name__


def check_key(business_key: str | None) -> None:
    """Raises InvalidData for a business key that some database could not keep."""
    if business_key is not None and store.storable(business_key, 200) != business_key:
        raise InvalidData(name="business_key", reason="text, <= 200")


def _only_scalars(data: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in data.items() if v is None or isinstance(v, str | int | float | bool)}


def _said(fields: Any, name: str) -> Any:
    return getattr(fields, name, None) if fields is not None else None


def _groups(expression: str, data: Mapping[str, Any]) -> list[str]:
    parts = (_text(part.strip(), data) for part in expression.split(","))
    return list(dict.fromkeys(p for p in parts if p))


def _text(expression: str | None, data: Mapping[str, Any]) -> str | None:
    if not expression or not expression.startswith(("${", "#{")):
        return expression or None
    value = compile_expression(expression).evaluate(data)
    return None if value is None else str(value)


def _number(expression: str | None, data: Mapping[str, Any]) -> int:
    value = _text(expression, data)
    return int(float(value)) if value else 50


def _moment(expression: str | None, data: Mapping[str, Any]) -> datetime | None:
    value = _text(expression, data)
    return datetime.fromisoformat(value) if value else None
