"""A service task becomes one call, a condition one recorded evaluation. Nothing here runs diagram code."""

from typing import Any

from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.script_engine.python_environment import BasePythonScriptEngineEnvironment
from SpiffWorkflow.bpmn.serializer.default.task_spec import BpmnTaskSpecConverter
from SpiffWorkflow.bpmn.specs.mixins.bpmn_spec_mixin import BpmnSpecMixin

from engine.expressions import ExpressionError, compile_expression


class ServiceTask(BpmnSpecMixin):  # type: ignore[misc]
    """A service or send task with a `camunda:topic`.

    Sync mode: the handler runs inside the verb's transaction and the token moves on.
    Job mode (`camunda:asyncBefore`): the task parks as STARTED until a worker runs its job.
    """

    def __init__(
        self, wf_spec: Any, bpmn_id: str, topic: str = "", job: bool = False, **attributes: Any
    ) -> None:
        super().__init__(wf_spec, bpmn_id, **attributes)
        self.topic = topic
        self.job = job

    def _run_hook(self, task: Any) -> bool | None:
        if self.job:
            return None
        task.data.update(task.workflow.top_workflow.host.call(task))
        return True


class ServiceTaskConverter(BpmnTaskSpecConverter):  # type: ignore[misc]
    """Keeps topic and mode where a whole specification is serialized."""

    def to_dict(self, spec: ServiceTask) -> dict[str, Any]:
        return {**super().to_dict(spec), "topic": spec.topic, "job": spec.job}


class Evaluator(PythonScriptEngine):  # type: ignore[misc]
    """The script engine of every workflow: our expressions only, scripts refused, each evaluation noted.

    It holds no state of a request, so one object serves all threads; notes go to the workflow's host.
    Overriding `evaluate` also avoids the library's error wrapper, which hides the cause (trap R11).
    """

    def __init__(self) -> None:
        super().__init__(BasePythonScriptEngineEnvironment())

    def validate(self, expression: str) -> None:
        try:
            compile_expression(expression)
        except ExpressionError as error:
            raise SyntaxError(str(error)) from error

    def evaluate(self, task: Any, expression: str, external_context: Any = None) -> Any:
        compiled = compile_expression(expression)
        data = {**(external_context or {}), **task.data}
        result = compiled.evaluate(data)
        host = task.workflow.top_workflow.host
        if host is not None:
            host.evaluated(task, expression, {n: data.get(n) for n in sorted(compiled.names)}, result)
        return result

    def execute(self, task: Any, script: str, external_context: Any = None) -> None:
        raise ExpressionError("scripts in diagrams are not run")

    def call_service(self, task: Any, **kwargs: Any) -> None:
        raise ExpressionError("service operators are not run; use camunda:topic")
