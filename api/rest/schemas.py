"""The schemas of the OpenAPI document: what `api.rest.shapes` writes, and what the queries read."""

from api.http import ref
from api.rest.history import INSTANCES, TASKS
from api.rest.http import DATE, VARIABLES, Shape, several
from api.rest.instance import RUNNING
from api.rest.meanings import told
from api.rest.task_query import OPEN

TEXT: Shape = {"type": "string"}
NUMBER: Shape = {"type": "integer"}
FLAG: Shape = {"type": "boolean"}
NULL: Shape = {"type": "null", "description": "总是 null · Always null"}


def maybe(shape: Shape) -> Shape:
    """This, or null."""
    return {**shape, "type": [shape["type"], "null"]}


def strict(**properties: Shape) -> Shape:
    """An object with exactly these properties."""
    return {
        "type": "object",
        "properties": {name: told(name, shape) for name, shape in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
    }


def nulls(*names: str) -> dict[str, Shape]:
    """What Camunda names and flow200 has none of."""
    return dict.fromkeys(names, NULL)


def optional(shape: Shape) -> Shape:
    """A reference, or null."""
    return {"anyOf": [shape, {"type": "null"}]}


def by_name(shape: Shape) -> Shape:
    """An object with names that are not known here, and a value each."""
    return {"type": "object", "additionalProperties": shape}


CASE = ("caseInstanceId", "caseExecutionId", "caseDefinitionId")
DEPLOYMENT: dict[str, Shape] = {
    "links": several("AtomLink"),
    "id": TEXT,
    "name": TEXT,
    "source": maybe(TEXT),
    "deploymentTime": DATE,
    **nulls("tenantId"),
}
INSTANCE: dict[str, Shape] = {
    "links": several("AtomLink"),
    "id": TEXT,
    "definitionId": TEXT,
    "businessKey": maybe(TEXT),
    "ended": FLAG,
    "suspended": FLAG,
    **nulls("caseInstanceId", "tenantId"),
}
USER: dict[str, Shape] = {"id": TEXT, "firstName": TEXT, "lastName": TEXT}
GROUP: dict[str, Shape] = {"id": TEXT, "name": TEXT}

SHAPES: dict[str, Shape] = {
    "Error": {
        "type": "object",
        "description": "唯一的错误格式 · The one body of every error",
        "properties": {
            "type": {**TEXT, "description": "Camunda 的异常类名 · The name of Camunda's exception"},
            "title": {**TEXT, "description": "标题 · Title"},
            "status": {**NUMBER, "description": "HTTP 状态 · The status of HTTP"},
            "detail": {**TEXT, "description": "同 message · As message"},
            "instance": {**TEXT, "description": "请求的路径 · The path of the request"},
            "message": {**TEXT, "description": "给人看的一句话 · The sentence for a person"},
            "code": {**NUMBER, "description": "1 为乐观锁冲突,其余为 0 · 1 for a stale write, else 0"},
            "error": {**TEXT, "description": "flow200 自己的代码 · flow200's own word, for a program"},
            "details": {
                "type": "object",
                "description": "有误的字段,或各文件的问题 · What is wrong, by field or by file",
            },
        },
        "required": ["type", "title", "status", "detail", "instance", "message", "code", "error"],
    },
    "Count": strict(count=NUMBER),
    "Version": strict(version={**TEXT, "description": "总是 7.24.0 · Always 7.24.0"}),
    "Engine": strict(name={**TEXT, "description": "总是 default · Always default"}),
    "AtomLink": strict(method=TEXT, href=TEXT, rel=TEXT),
    "Deployment": strict(**DEPLOYMENT),
    "DeploymentWithDefinitions": strict(
        **DEPLOYMENT,
        deployedProcessDefinitions=maybe(by_name(ref("ProcessDefinition"))),
        **nulls(
            "deployedCaseDefinitions",
            "deployedDecisionDefinitions",
            "deployedDecisionRequirementsDefinitions",
        ),
    ),
    "DeploymentResource": strict(id=TEXT, name=TEXT, deploymentId=TEXT),
    "ProcessDefinition": strict(
        id={**TEXT, "description": "编号 `key:version:id` · Id, `key:version:id`"},
        key=TEXT,
        name=maybe(TEXT),
        version=NUMBER,
        resource=TEXT,
        deploymentId=TEXT,
        suspended=FLAG,
        versionTag=maybe(TEXT),
        historyTimeToLive=maybe(NUMBER),
        startableInTasklist=FLAG,
        **nulls("category", "description", "diagram", "tenantId"),
    ),
    "ProcessDefinitionDiagram": strict(id=TEXT, bpmn20Xml=TEXT),
    "Form": strict(
        key=maybe({**TEXT, "description": "流程图的 formKey · The formKey of the diagram"}),
        camundaFormRef=optional(ref("CamundaForm")),
        **nulls("contextPath"),
    ),
    "CamundaForm": strict(
        key={**TEXT, "description": "表单编号 · Id of the form"},
        binding=TEXT,
        **nulls("version"),
    ),
    "ProcessInstance": strict(**INSTANCE),
    "ProcessInstanceWithVariables": {
        **strict(**INSTANCE, variables=VARIABLES),
        "required": list(INSTANCE),
        "description": "`variables` 只在要求时有 · `variables` only if they were asked for",
    },
    "ActivityInstance": strict(
        id=TEXT,
        parentActivityInstanceId=maybe(TEXT),
        activityId=TEXT,
        activityType=TEXT,
        activityName=maybe(TEXT),
        name=maybe(TEXT),
        processInstanceId=TEXT,
        processDefinitionId=TEXT,
        childActivityInstances={
            **several("ActivityInstance"),
            "description": "各令牌所在位置 · Each place where a token is",
        },
        childTransitionInstances={"type": "array"},
        executionIds={"type": "array", "items": TEXT},
        incidentIds={"type": "array"},
        incidents={"type": "array"},
    ),
    "VariableValue": {
        "type": "object",
        "properties": {
            "value": told("value", {"type": ["string", "number", "boolean", "null"]}),
            "type": {
                **TEXT,
                "description": "类型,省略则由值而定 · Type; the value decides if it is left out",
            },
            "valueInfo": told("valueInfo", {"type": "object"}),
        },
        "additionalProperties": False,
    },
    "Variables": {
        **VARIABLES,
        "description": "每个变量,以其名称 · Each variable, by its name",
    },
    "Task": strict(
        id=TEXT,
        name=TEXT,
        assignee=maybe(TEXT),
        owner=maybe(TEXT),
        delegationState={**maybe(TEXT), "enum": ["PENDING", "RESOLVED", None]},
        created=DATE,
        due=maybe(DATE),
        followUp=maybe(DATE),
        priority=NUMBER,
        executionId=TEXT,
        processInstanceId=TEXT,
        processDefinitionId=TEXT,
        taskDefinitionKey=TEXT,
        formKey=maybe(TEXT),
        camundaFormRef=optional(ref("CamundaForm")),
        suspended=FLAG,
        taskState=TEXT,
        **nulls("lastUpdated", "description", "parentTaskId", *CASE, "tenantId"),
    ),
    "TaskCountByCandidateGroup": strict(groupName=TEXT, taskCount=NUMBER),
    "IdentityLinkOfTask": strict(
        userId=maybe(TEXT),
        groupId=maybe(TEXT),
        type={**TEXT, "enum": ["assignee", "owner", "candidate"]},
    ),
    "Comment": strict(
        links=several("AtomLink"),
        id=TEXT,
        userId=TEXT,
        taskId=TEXT,
        processInstanceId=TEXT,
        rootProcessInstanceId=TEXT,
        time=DATE,
        message=TEXT,
        **nulls("removalTime"),
    ),
    "MessageCorrelationResult": {
        **strict(
            resultType=TEXT,
            execution={
                **ref("Execution"),
                "description": "收到消息的实例 · The instance that took the message",
            },
            variables=VARIABLES,
            **nulls("processInstance"),
        ),
        "required": ["resultType", "execution", "processInstance"],
        "description": "`variables` 只在要求时有 · `variables` only if they were asked for",
    },
    "Execution": strict(id=TEXT, processInstanceId=TEXT, ended=FLAG, **nulls("tenantId")),
    "HistoricProcessInstance": strict(
        id=TEXT,
        businessKey=maybe(TEXT),
        processDefinitionId=TEXT,
        processDefinitionKey=TEXT,
        processDefinitionName=maybe(TEXT),
        processDefinitionVersion=NUMBER,
        startTime=DATE,
        endTime=maybe(DATE),
        durationInMillis=maybe(NUMBER),
        startUserId=TEXT,
        deleteReason=maybe(TEXT),
        state={**TEXT, "enum": ["ACTIVE", "COMPLETED", "EXTERNALLY_TERMINATED"]},
        rootProcessInstanceId=TEXT,
        **nulls(
            "startActivityId",
            "superProcessInstanceId",
            "superCaseInstanceId",
            "caseInstanceId",
            "removalTime",
        ),
        **nulls("tenantId"),
    ),
    "HistoricTaskInstance": strict(
        id=TEXT,
        name=TEXT,
        owner=maybe(TEXT),
        assignee=maybe(TEXT),
        priority=NUMBER,
        startTime=DATE,
        endTime=maybe(DATE),
        duration=maybe(NUMBER),
        due=maybe(DATE),
        followUp=maybe(DATE),
        deleteReason={**maybe(TEXT), "enum": ["completed", "deleted", None]},
        taskState={**TEXT, "enum": ["Created", "Completed", "Deleted"]},
        taskDefinitionKey=TEXT,
        activityInstanceId=TEXT,
        executionId=TEXT,
        processInstanceId=TEXT,
        rootProcessInstanceId=TEXT,
        processDefinitionKey=TEXT,
        processDefinitionId=TEXT,
        **nulls("description", "parentTaskId", *CASE, "caseDefinitionKey", "removalTime", "tenantId"),
    ),
    "AuthenticationResult": strict(authenticatedUser=TEXT, authenticated=FLAG),
    "GroupsOfUser": strict(groups=several("GroupOfUser"), groupUsers=several("UserOfGroup")),
    "GroupOfUser": strict(**GROUP),
    "UserOfGroup": strict(**USER, displayName=TEXT),
    "User": strict(**USER, **nulls("email")),
    "Group": strict(**GROUP, type={**TEXT, "description": "层级,例如 L1 · Its tier, such as L1"}),
    "TaskQuery": OPEN.body,
    "ProcessInstanceQuery": RUNNING.body,
    "HistoricProcessInstanceQuery": INSTANCES.body,
    "HistoricTaskInstanceQuery": TASKS.body,
}
"""By the names of Camunda's own document, without its `Dto`."""
