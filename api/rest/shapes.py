"""Rows of the engine in Camunda 7's shapes: each field that Camunda names, null where we have none."""

import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from api.rest.http import links
from api.rest.values import moment

COMPLETED, CANCELLED, ACTIVE = "COMPLETED", "EXTERNALLY_TERMINATED", "ACTIVE"


def definition_id(key: str, version: int, own: str) -> str:
    """A definition's id as Camunda builds it: `key:version:id`."""
    return f"{key}:{version}:{own}"


def own_id(definition: str) -> str:
    """Our id in a definition's id; an id of ours alone is one as well."""
    return definition.rpartition(":")[2]


def deployment(row: sa.Row[Any]) -> dict[str, Any]:
    """A deployment in a list."""
    return {
        "links": links("deployment", row.id),
        "id": row.id,
        "name": row.name,
        "source": row.source,
        "deploymentTime": moment(row.created_at),
        "tenantId": None,
    }


def deployed(row: sa.Row[Any], definitions: list[dict[str, Any]]) -> dict[str, Any]:
    """What a deployment made; null where it made nothing."""
    made = {one["id"]: one for one in definitions}
    return {
        **deployment(row),
        "deployedProcessDefinitions": made or None,
        "deployedCaseDefinitions": None,
        "deployedDecisionDefinitions": None,
        "deployedDecisionRequirementsDefinitions": None,
    }


def definition(row: sa.Row[Any], drawn: Mapping[str, str]) -> dict[str, Any]:
    """A version of a process; `drawn` are the `camunda:*` attributes of its process element."""
    return {
        "id": definition_id(row.key, row.version, row.id),
        "key": row.key,
        "category": None,
        "description": None,
        "name": row.name,
        "version": row.version,
        "resource": row.resource,
        "deploymentId": row.deployment_id,
        "diagram": None,
        "suspended": False,
        "tenantId": None,
        "versionTag": drawn.get("versionTag"),
        "historyTimeToLive": _days(drawn.get("historyTimeToLive", "")),
        "startableInTasklist": True,
    }


def instance(row: Any) -> dict[str, Any]:
    """An instance; `row` has id, process, version, definition_id, business_key, ended_at."""
    return {
        "links": links("process-instance", row.id),
        "id": row.id,
        "definitionId": definition_id(row.process, row.version, row.definition_id),
        "businessKey": row.business_key,
        "caseInstanceId": None,
        "ended": row.ended_at is not None,
        "suspended": False,
        "tenantId": None,
    }


def task(row: sa.Row[Any]) -> dict[str, Any]:
    """An open task."""
    return {
        "id": row.id,
        "name": row.element_name,
        "assignee": row.assignee,
        "created": moment(row.created_at),
        "due": moment(row.due_at),
        "followUp": moment(row.follow_up_at),
        "lastUpdated": None,
        "delegationState": row.delegation,
        "description": None,
        "executionId": row.instance_id,
        "owner": row.owner,
        "parentTaskId": None,
        "priority": row.priority,
        "processDefinitionId": definition_id(row.process, row.version, row.definition_id),
        "processInstanceId": row.instance_id,
        "taskDefinitionKey": row.element_id,
        "caseExecutionId": None,
        "caseInstanceId": None,
        "caseDefinitionId": None,
        "suspended": False,
        "formKey": row.form_key,
        "camundaFormRef": form_reference(row),
        "tenantId": None,
        "taskState": "Created",
    }


def form_reference(row: sa.Row[Any]) -> dict[str, Any] | None:
    """The `.form` file of a task: always the one that was deployed with its diagram."""
    return {"key": row.form, "binding": "deployment", "version": None} if row.form else None


def comment(row: sa.Row[Any]) -> dict[str, Any]:
    """A remark on a task."""
    return {
        "links": links("task", row.task_id, "comment", row.id),
        "id": row.id,
        "userId": row.by,
        "taskId": row.task_id,
        "processInstanceId": row.instance_id,
        "time": moment(row.at),
        "message": row.message,
        "removalTime": None,
        "rootProcessInstanceId": row.instance_id,
    }


def historic_instance(row: sa.Row[Any], why: str | None) -> dict[str, Any]:
    """An instance, running or ended, as history knows it."""
    ended = CANCELLED if row.end_element == "" else COMPLETED
    return {
        "id": row.id,
        "businessKey": row.business_key,
        "processDefinitionId": definition_id(row.process, row.version, row.definition_id),
        "processDefinitionKey": row.process,
        "processDefinitionName": row.definition_name,
        "processDefinitionVersion": row.version,
        "startTime": moment(row.started_at),
        "endTime": moment(row.ended_at),
        "removalTime": None,
        "durationInMillis": _milliseconds(row.started_at, row.ended_at),
        "startUserId": row.started_by,
        "startActivityId": None,
        "deleteReason": why,
        "rootProcessInstanceId": row.id,
        "superProcessInstanceId": None,
        "superCaseInstanceId": None,
        "caseInstanceId": None,
        "tenantId": None,
        "state": ACTIVE if row.ended_at is None else ended,
    }


def historic_task(row: sa.Row[Any]) -> dict[str, Any]:
    """A task, open or finished, as history knows it."""
    done = "deleted" if row.cancelled else "completed"
    return {
        "id": row.id,
        "processDefinitionKey": row.process,
        "processDefinitionId": definition_id(row.process, row.version, row.definition_id),
        "processInstanceId": row.instance_id,
        "executionId": row.instance_id,
        "caseDefinitionKey": None,
        "caseDefinitionId": None,
        "caseInstanceId": None,
        "caseExecutionId": None,
        "activityInstanceId": f"{row.element_id}:{row.token}",
        "name": row.element_name,
        "description": None,
        "deleteReason": done if row.completed_at else None,
        "owner": row.owner,
        "assignee": row.assignee,
        "startTime": moment(row.created_at),
        "endTime": moment(row.completed_at),
        "duration": _milliseconds(row.created_at, row.completed_at),
        "taskDefinitionKey": row.element_id,
        "priority": row.priority,
        "due": moment(row.due_at),
        "parentTaskId": None,
        "followUp": moment(row.follow_up_at),
        "tenantId": None,
        "removalTime": None,
        "rootProcessInstanceId": row.instance_id,
        "taskState": ("Deleted" if row.cancelled else "Completed") if row.completed_at else "Created",
    }


def activity(
    identity: str, element: Any, row: Any, parent: str | None, children: list[Any]
) -> dict[str, Any]:
    """A node of the tree of activity instances: where a token is."""
    return {
        "id": identity,
        "parentActivityInstanceId": parent,
        "activityId": element.id,
        "activityType": element.type,
        "activityName": element.name,
        "name": element.name,
        "processInstanceId": row.id,
        "processDefinitionId": definition_id(row.process, row.version, row.definition_id),
        "childActivityInstances": children,
        "childTransitionInstances": [],
        "executionIds": [row.id],
        "incidentIds": [],
        "incidents": [],
    }


def _days(written: str) -> int | None:
    """A time to live as diagrams write it, `180` or `P180D`, in days."""
    found = re.fullmatch(r"\s*P?(\d{1,9})D?\s*", written, re.ASCII)
    return int(found[1]) if found else None


def _milliseconds(start: Any, end: Any) -> int | None:
    return int((end - start).total_seconds() * 1000) if end else None
