"""What can go wrong in the engine, each with a stable code and a sentence in Chinese and English."""

from collections.abc import Mapping, Sequence
from typing import Any


class EngineError(Exception):
    """The engine could not do that."""

    code = "engine-error"
    zh = "流程引擎无法执行此操作。"
    en = "The engine could not do that."
    fields: Mapping[str, Mapping[str, str]] = {}

    def __init__(self, **params: Any) -> None:
        self.params = params
        super().__init__(self.text("en"))

    def text(self, lang: str) -> str:
        """The sentence for an operator; `lang` is "zh" or "en"."""
        return (self.zh if lang == "zh" else self.en).format(**self.params)


class NotFound(EngineError):
    """There is no such thing."""


class TaskNotFound(NotFound):
    """There is no task with this id."""

    code = "task-not-found"
    zh = "没有编号为 {task} 的任务。"
    en = "There is no task {task}."


class InstanceNotFound(NotFound):
    """There is no instance with this id."""

    code = "instance-not-found"
    zh = "没有编号为 {instance} 的流程实例。"
    en = "There is no instance {instance}."


class DefinitionNotFound(NotFound):
    """No process with this key has been deployed."""

    code = "definition-not-found"
    zh = "没有部署名为 {process} 的流程。"
    en = "No process {process} has been deployed."


class FailureNotFound(NotFound):
    """There is no open failure with this id."""

    code = "failure-not-found"
    zh = "没有编号为 {failure} 的待处理故障。"
    en = "There is no open failure {failure}."


class Conflict(EngineError):
    """Somebody else was first."""


class TaskNotOpen(Conflict):
    """The task is finished."""

    code = "task-not-open"
    zh = "任务「{element}」已经结束,不能再处理。"
    en = "The task “{element}” is finished and cannot be worked on."


class TaskAssigned(Conflict):
    """The task is assigned to somebody else."""

    code = "task-assigned"
    zh = "任务「{element}」已由 {assignee} 领取。"
    en = "The task “{element}” is assigned to {assignee}."


class TaskDelegated(Conflict):
    """The task was delegated: it is resolved, not completed."""

    code = "task-delegated"
    zh = "任务「{element}」是 {owner} 委托的,请先交回(resolve),不能直接完成。"
    en = "The task “{element}” was delegated by {owner}: resolve it, it cannot be completed."


class NotDelegated(Conflict):
    """The task was not delegated, so there is nobody to give it back to."""

    code = "not-delegated"
    zh = "任务「{element}」没有被委托,不能交回。"
    en = "The task “{element}” was not delegated, so it cannot be resolved."


class StaleInstance(Conflict):
    """The instance changed meanwhile; load it again."""

    code = "stale-instance"
    zh = "流程实例 {instance} 已被他人更新,请刷新后重试。"
    en = "The instance {instance} changed meanwhile; load it again."


class NotWaiting(Conflict):
    """Nobody waits for this message."""

    code = "not-waiting"
    zh = "「{key}」当前没有等待消息「{message}」。"
    en = "“{key}” is not waiting for the message “{message}” now."


class InstanceOpen(Conflict):
    """An instance of this process with this business key is still open."""

    code = "instance-open"
    zh = "「{key}」已有一个未结束的流程「{process}」。"
    en = "“{key}” already has an open instance of {process}."


class NothingToAnswer(Conflict):
    """The process did not come to rest at a user task, so there is nothing to answer."""

    code = "nothing-to-answer"
    zh = "流程「{process}」启动后没有等待填写的任务,不能同时提交答案。"
    en = "The process {process} does not begin with a user task, so it cannot be started with an answer."


class InstanceEnded(Conflict):
    """The instance has ended."""

    code = "instance-ended"
    zh = "流程实例 {instance} 已经结束。"
    en = "The instance {instance} has ended."


class JobTaken(Conflict):
    """Another worker did this job meanwhile."""

    code = "job-taken"
    zh = "作业 {key} 已由其他工作进程完成。"
    en = "Another worker did the job {key} meanwhile."


class Forbidden(EngineError):
    """You may not do that."""


class NotCandidate(Forbidden):
    """The task belongs to other groups."""

    code = "not-candidate"
    zh = "任务「{element}」属于 {groups},您不在其中。"
    en = "The task “{element}” belongs to {groups}; you are not among them."


class OthersGroups(Forbidden):
    """The person is not in the groups of the task, so it cannot be theirs."""

    code = "others-groups"
    zh = "{person} 不属于任务「{element}」的工作组 {groups},不能指派。"
    en = "{person} is in none of {groups}, so “{element}” cannot be assigned to them."


class Invalid(EngineError):
    """What came in is not valid; nothing changed."""


class InvalidForm(Invalid):
    """The answer does not fit the form of the task."""

    code = "invalid-form"
    zh = "填写的内容不符合表单「{form}」的要求:{names}。"
    en = "The answer does not fit the form “{form}”: {names}."

    def __init__(self, form: str, fields: Mapping[str, Mapping[str, str]]) -> None:
        self.fields = fields
        super().__init__(form=form, names=", ".join(sorted(fields)))


class InvalidData(Invalid):
    """A value cannot be kept as a process variable."""

    code = "invalid-data"
    zh = "变量「{name}」的值不能保存:{reason}。"
    en = "The value of “{name}” cannot be kept: {reason}."


class InvalidDiagram(Invalid):
    """The diagram was refused; nothing was deployed."""

    code = "invalid-diagram"
    zh = "流程图未通过检查,没有部署任何内容(共 {count} 处问题)。{first}"
    en = "The diagram was refused and nothing was deployed ({count} findings). {first}"

    def __init__(self, findings: Sequence[Any]) -> None:
        self.findings = tuple(findings)
        super().__init__(count=len(self.findings), first="")

    def text(self, lang: str) -> str:
        """Names the first finding, so that a caller who reads only the sentence can act."""
        first = self.findings[0].text(lang) if self.findings else ""
        return (self.zh if lang == "zh" else self.en).format(count=len(self.findings), first=first)


class UnknownFile(Invalid):
    """A file of the deployment is of no kind that is deployed here."""

    code = "unknown-file"
    zh = "文件「{name}」无法部署:只接受 {kinds}。"
    en = "The file “{name}” cannot be deployed: only {kinds} can."


class TooLarge(Invalid):
    """The file or value is larger than the engine accepts."""

    code = "too-large"
    zh = "「{name}」过大:上限 {limit}。"
    en = "“{name}” is too large: the limit is {limit}."


class Failed(EngineError):
    """A handler or the diagram itself failed; the task is still open and the failure is on record."""

    code = "failed"
    zh = "节点「{element}」执行失败,已登记为故障 {failure},任务保持不变。"
    en = "The element “{element}” failed; it is on record as failure {failure} and the task is as it was."


class Unavailable(EngineError):
    """The database did not answer in time; nothing changed, try again."""

    code = "unavailable"
    zh = "数据库暂时不可用,没有保存任何更改,请稍后重试。"
    en = "The database did not answer in time; nothing changed, try again."
