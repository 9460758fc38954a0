"""One instance at work inside one verb: loaded, moved, and written back with all that follows from it."""

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from typing import Any

from sqlalchemy import Row, bindparam, insert, update
from sqlalchemy.exc import IntegrityError

from engine import state, store, workflow
from engine.diagram import Diagram, Flow
from engine.errors import InstanceOpen, InvalidData, StaleInstance, TooLarge
from engine.forms import Form
from engine.ports import Command, Domain, Effect, Element, Instance, Task
from engine.prepared import prepared
from engine.rows import Rows, Waits, add_jobs, waits

VARIABLES_LIMIT = 65_536
_SCALAR = (str, int, float, bool, type(None))

_CHANGED = ("revision", "state", "tokens", "variables", "history_seq")
_ENDED = ("ended_at", "end_element")
_ADD_INSTANCE = prepared(insert(store.instance))
_unchanged = update(store.instance).where(
    store.instance.c.id == bindparam("this"), store.instance.c.revision == bindparam("seen")
)
# What is indexed is written only when it changes: SQLite would write the indexes anew as well.
_MOVE_INSTANCE = prepared(_unchanged.values({name: bindparam(name) for name in _CHANGED}))
_END_INSTANCE = prepared(_unchanged.values({name: bindparam(name) for name in (*_CHANGED, *_ENDED)}))
_ADD_HISTORY = prepared(insert(store.history))


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
        self.rows = Rows(command, diagram, self.row)
        resting = workflow.resting(flow)
        self._waits = waits(self.row["id"], flow, diagram, resting) if row["revision"] else Waits()
        self._known = {str(t.id) for t in resting}
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
        found = self.workflow.tasks.get(token)  # an instance stored pruned has its tokens as they are stored
        return found or next((t for t in self.workflow.all_tasks() if str(t.id) == token), None)

    # writing back

    def save(self) -> None:
        """Write state, tasks, timers, subscriptions, jobs and history of an instance whose tokens rest."""
        resting = workflow.resting(self.workflow)
        self._forget_old_answers(resting)
        self._tell_domain(resting)
        over = not workflow.has_token(self.workflow, resting)
        if over and not self.ends:
            raise workflow.DeadEnd("no token is left and no end event was reached")
        for task in resting:
            if str(task.id) not in self._known:
                self.note("entered", self.diagram.element(workflow.element_id(task)))
        self._write_instance(resting, over)
        now_waits = waits(self.row["id"], self.workflow, self.diagram, resting)
        self.rows.follow(self._waits, now_waits, self.fields)
        if self.row.get("failed"):
            self.rows.resolve_verb_failures()
        self.write_notes()
        self._waits, self._known = now_waits, {str(t.id) for t in resting}

    def write_notes(self) -> None:
        """Write the history rows noted so far."""
        if self.notes:
            self.command.connection.execute(_ADD_HISTORY, self.notes)
            self.notes = []

    def close_task(self, row: Row[Any]) -> None:
        """Mark a task as completed by the person of this command."""
        self.rows.close_task(row)
        self._waits = replace(
            self._waits, tasks={t: v for t, v in self._waits.tasks.items() if t != row.token}
        )

    def _forget_old_answers(self, resting: list[Any]) -> None:
        """A task that is entered again must not route by the answer of its last visit."""
        for task in filter(workflow.is_open_user_task, resting):
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
        view, opened = self.view(_only_scalars(data)), self._name_tasks(resting)
        effect = self.domain.moved(self.command, view, elements, ended, opened)
        self.take(effect)
        workflow.set_variables(self.workflow, scalars(effect.variables))

    def _name_tasks(self, resting: list[Any]) -> dict[str, str]:
        """Give the user tasks that open now their ids, so that the domain can keep them; by element."""
        fresh = [t for t in resting if workflow.is_open_user_task(t) and str(t.id) not in self._waits.tasks]
        return {workflow.element_id(t): self.rows.name(str(t.id)) for t in fresh}

    def _write_instance(self, resting: list[Any], over: bool) -> None:
        data = resting[0].data if resting else {}
        revision = self.row["revision"]
        values = {
            "revision": revision + 1,
            "state": state.dumps(self.workflow, self.diagram),
            "tokens": [workflow.element_id(t) for t in resting],
            "variables": _only_scalars(data),
            "history_seq": self.row["history_seq"],
        }
        if over or revision == 0:
            values |= {
                "ended_at": self.command.now if over else None,
                "end_element": self.ends[-1] if over else None,
            }
        run = self.command.connection.execute
        try:
            if revision == 0:
                run(_ADD_INSTANCE, {**self.row, **values})
            elif not run(
                _END_INSTANCE if over else _MOVE_INSTANCE,
                {**values, "this": self.row["id"], "seen": revision},
            ).rowcount:
                raise StaleInstance(instance=self.row["id"])
        except IntegrityError as error:
            raise InstanceOpen(key=self.row["business_key"], process=self.row["process"]) from error
        self.row.update(values)

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
    return {k: v for k, v in data.items() if isinstance(v, _SCALAR)}
