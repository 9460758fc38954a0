"""The baseline: SpiffWorkflow as its documentation leads one to use it, on one SQLite text column.

Its own JSON serializer writes the whole workflow, specification included, after each wait; each task
reads it back. No history, no groups beyond a column, no checks.
"""

import json
import sqlite3
import uuid
from pathlib import Path
from typing import Any

from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine, TaskDataEnvironment
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.spiff.parser import SpiffBpmnParser
from SpiffWorkflow.spiff.serializer import DEFAULT_CONFIG

from tests.benchmarks.measure import three_steps
from tests.benchmarks.reference import FIRST, KEY, SECOND, spiff

SCHEMA = """
CREATE TABLE instance (id TEXT PRIMARY KEY, state TEXT NOT NULL, ended INTEGER NOT NULL);
CREATE TABLE task (id TEXT PRIMARY KEY, instance_id TEXT NOT NULL, name TEXT NOT NULL, open INTEGER NOT NULL);
CREATE INDEX task_of ON task (instance_id);
"""


class Services(TaskDataEnvironment):  # type: ignore[misc]
    """Answers the three service tasks."""

    def call_service(self, context: Any, operation_name: str = "", **_: Any) -> str:
        priority = {"priority": context["impact"] + context["urgency"] - 1}
        return json.dumps(priority if operation_name == "op_classify" else {"done": True})


class Naive:
    """The reference process on the stock library."""

    def __init__(self, folder: Path) -> None:
        self.connection = sqlite3.connect(folder / "naive.db", isolation_level=None)
        self.connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {SCHEMA}")
        parser = SpiffBpmnParser()
        parser.add_bpmn_str(spiff().encode())
        self.spec, self.subprocesses = parser.get_spec(KEY), parser.get_subprocess_specs(KEY)
        self.engine = PythonScriptEngine(Services())
        self.serializer = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure(DEFAULT_CONFIG))

    def round(self, count: int) -> dict[str, float]:
        """CPU µs of each operation in one round."""
        return three_steps(self, count)

    def create(self, payload: dict[str, Any]) -> str:
        workflow = BpmnWorkflow(self.spec, self.subprocesses, script_engine=self.engine)
        workflow.task_tree.data.update(payload)
        workflow.do_engine_steps()
        instance = str(uuid.uuid4())
        self._save(instance, workflow, "INSERT INTO instance (state, ended, id) VALUES (?, ?, ?)")
        return instance

    def complete_first(self, instance: str) -> None:
        self._complete(instance, "first_line", FIRST)

    def complete_second(self, instance: str) -> None:
        self._complete(instance, "second_line", SECOND)

    def _complete(self, instance: str, name: str, answer: dict[str, Any]) -> None:
        row = self.connection.execute("SELECT state FROM instance WHERE id = ?", (instance,)).fetchone()
        workflow = self.serializer.deserialize_json(row[0])
        workflow.script_engine = self.engine
        task = workflow.get_next_task(state=TaskState.READY, spec_name=name)
        task.data.update(answer)
        task.run()
        workflow.do_engine_steps()
        self._save(instance, workflow, "UPDATE instance SET state = ?, ended = ? WHERE id = ?")

    def _save(self, instance: str, workflow: Any, statement: str) -> None:
        state, ended = self.serializer.serialize_json(workflow), workflow.is_completed()
        run = self.connection.execute
        run("BEGIN IMMEDIATE")
        run(statement, (state, ended, instance))
        run("UPDATE task SET open = 0 WHERE instance_id = ? AND open", (instance,))
        for task in workflow.get_tasks(state=TaskState.READY, manual=True):
            run("INSERT INTO task VALUES (?, ?, ?, 1)", (str(task.id), instance, task.task_spec.bpmn_id))
        run("COMMIT")

    def close(self) -> None:
        self.connection.close()
