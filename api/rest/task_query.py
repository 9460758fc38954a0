"""Which tasks: Camunda's parameters of a task query, each as a condition."""

from typing import Any

import sqlalchemy as sa

from api.rest import queries, shapes
from api.rest.errors import BadValue
from api.rest.meanings import MEANINGS
from api.rest.queries import Filter
from api.rest.values import read_moment
from engine import store
from engine.assignees import PENDING, RESOLVED
from handlers import tables

task, instance, definition, candidate = (
    store.task.c,
    store.instance.c,
    store.definition.c,
    store.candidate.c,
)
OWN_COLUMNS = [
    *store.task.c,
    instance.process,
    instance.version,
    instance.definition_id,
    instance.business_key,
    instance.variables,
]
ROWS = sa.select(*OWN_COLUMNS).join(store.instance, instance.id == task.instance_id)


def of_groups(groups: list[str]) -> queries.Condition:
    """The task may be claimed by these groups."""
    return task.id.in_(sa.select(candidate.task_id).where(candidate.group.in_(groups)))


def of_person(staff_no: str) -> queries.Condition:
    """The task may be claimed by this person, through one of the active groups."""
    member, group = tables.membership.c, tables.workgroup.c
    mine = sa.select(group.code).join(tables.membership, member.workgroup == group.code)
    mine = mine.where(member.person == staff_no, group.active)
    return task.id.in_(sa.select(candidate.task_id).where(candidate.group.in_(mine)))


def _delegation(name: str, value: Any) -> str:
    wanted = queries.text(name, value).upper()
    if wanted not in (PENDING, RESOLVED):
        raise BadValue(name, f"须为 {PENDING} 或 {RESOLVED}", f"must be {PENDING} or {RESOLVED}")
    return wanted


def _own(name: str, value: Any) -> str:
    return shapes.own_id(queries.text(name, value))


HAS_GROUPS = task.id.in_(sa.select(candidate.task_id))
_definition = sa.select(definition.id)

ABOUT_PROCESS: dict[str, Filter] = {
    "processInstanceId": queries.equal(task.instance_id),
    "processInstanceIdIn": queries.among(task.instance_id),
    "executionId": queries.equal(task.instance_id),
    "processInstanceBusinessKey": queries.equal(instance.business_key),
    "processInstanceBusinessKeyIn": queries.among(instance.business_key),
    "processInstanceBusinessKeyLike": queries.like(instance.business_key),
    "processDefinitionId": queries.equal(instance.definition_id, _own),
    "processDefinitionKey": queries.equal(instance.process),
    "processDefinitionKeyIn": queries.among(instance.process),
    "processDefinitionName": Filter(
        queries.text, lambda name: instance.definition_id.in_(_definition.where(definition.name == name))
    ),
    "processDefinitionNameLike": Filter(
        queries.text, lambda name: instance.definition_id.in_(_definition.where(definition.name.like(name)))
    ),
    "taskDefinitionKey": queries.equal(task.element_id),
    "taskDefinitionKeyIn": queries.among(task.element_id),
    "taskDefinitionKeyLike": queries.like(task.element_id),
}
ABOUT_PEOPLE: dict[str, Filter] = {
    "assignee": queries.equal(task.assignee),
    "assigneeLike": queries.like(task.assignee),
    "assigneeIn": queries.among(task.assignee),
    "assigneeNotIn": Filter(
        queries.texts, lambda people: sa.or_(task.assignee.is_(None), task.assignee.not_in(people))
    ),
    "owner": queries.equal(task.owner),
    "involvedUser": Filter(queries.text, lambda who: sa.or_(task.assignee == who, task.owner == who)),
    "candidateGroup": Filter(queries.text, lambda group: of_groups([group])),
    "candidateGroups": Filter(queries.texts, of_groups),
    "candidateUser": Filter(queries.text, of_person),
    "withCandidateGroups": queries.when(HAS_GROUPS),
    "withoutCandidateGroups": queries.when(~HAS_GROUPS),
    "withCandidateUsers": queries.never(),
    "withoutCandidateUsers": queries.always(),
    "includeAssignedTasks": queries.always(MEANINGS["includeAssignedTasks"]),
    "assigned": queries.when(task.assignee.is_not(None)),
    "unassigned": queries.when(task.assignee.is_(None)),
    "delegationState": queries.equal(task.delegation, _delegation),
}
ABOUT_ITSELF: dict[str, Filter] = {
    "taskId": queries.equal(task.id),
    "taskIdIn": queries.among(task.id),
    "name": queries.equal(task.element_name),
    "nameNotEqual": Filter(queries.text, lambda name: task.element_name != name),
    "nameLike": queries.like(task.element_name),
    "nameNotLike": Filter(queries.text, lambda name: task.element_name.not_like(name)),
    "description": queries.never(),
    "descriptionLike": queries.never(),
    "priority": queries.equal(task.priority, queries.whole),
    "minPriority": Filter(queries.whole, lambda least: task.priority >= least),
    "maxPriority": Filter(queries.whole, lambda most: task.priority <= most),
    "withoutDueDate": queries.when(task.due_at.is_(None)),
    **queries.moments(task.due_at, "due"),
    **queries.moments(task.follow_up_at, "followUp"),
    "followUpBeforeOrNotExistent": Filter(
        read_moment, lambda at: sa.or_(task.follow_up_at.is_(None), task.follow_up_at < at)
    ),
    **queries.moments(task.created_at, "created", on="On"),
}
NONE_OF: dict[str, Filter] = {
    "active": queries.always(),
    "suspended": queries.never(),
    "withoutTenantId": queries.always(),
    "tenantIdIn": queries.never(),
    "parentTaskId": queries.never(),
    "caseInstanceId": queries.never(),
    "caseDefinitionId": queries.never(),
    "caseDefinitionKey": queries.never(),
    "caseExecutionId": queries.never(),
    "caseInstanceBusinessKey": queries.never(),
}
REFUSED = frozenset({
    "processVariables", "taskVariables", "caseInstanceVariables", "activityInstanceIdIn",
    "lastUpdatedAfter", "dueDateExpression", "dueAfterExpression", "dueBeforeExpression",
    "createdAfterExpression", "createdBeforeExpression", "assigneeExpression", "candidateUserExpression",
    "candidateGroupExpression", "candidateGroupsExpression", "ownerExpression", "candidateGroupLike",
})  # fmt: skip
SORTS = {
    "id": task.id,
    "instanceId": task.instance_id,
    "executionId": task.instance_id,
    "name": task.element_name,
    "nameCaseInsensitive": sa.func.lower(task.element_name),
    "assignee": task.assignee,
    "priority": task.priority,
    "created": task.created_at,
    "dueDate": task.due_at,
    "followUpDate": task.follow_up_at,
}
FILTERS = {**ABOUT_PROCESS, **ABOUT_PEOPLE, **ABOUT_ITSELF, **NONE_OF}
OPEN = queries.Query(
    rows=ROWS.where(task.completed_at.is_(None)),
    filters=FILTERS,
    sorts=SORTS,
    default=(task.created_at, task.id),
    refused=REFUSED,
)
CANDIDATE = frozenset({"candidateGroup", "candidateGroups", "candidateUser"})


def only_free(asked: dict[str, Any]) -> dict[str, Any]:
    """Camunda's rule: who asks for candidates means tasks that nobody has, unless told otherwise."""
    including = asked.get("includeAssignedTasks")
    if not CANDIDATE & asked.keys() or (
        including is not None and queries.truth("includeAssignedTasks", including)
    ):
        return asked
    return {**asked, "unassigned": True}
