"""Who works on a task, and what is said about it: claim to resolve, identity links, comments."""

from typing import Any

import sqlalchemy as sa
from flask import Response
from marshmallow import fields

from api.product import engine, now, person, product
from api.rest import shapes
from api.rest.errors import BadValue, NotMatching, Unsupported
from api.rest.http import (
    Blueprint,
    EmptyBody,
    Schema,
    TypedVariables,
    UserId,
    given,
    no_content,
    parameters,
    several,
)
from api.rest.task import found
from engine import store

COMMENT_LIMIT = 4000
LINKS = ["assignee", "owner", "candidate"]

blueprint = Blueprint("task", __name__, "任务的人 · People of a task", "people")


class IdentityLink(Schema):
    """A person or a group, and what they are to a task."""

    user = fields.String(data_key="userId", load_default=None, allow_none=True)
    group = fields.String(data_key="groupId", load_default=None, allow_none=True)
    type = fields.String(load_default=None, allow_none=True)


class Remark(Schema):
    """What is said."""

    message = fields.String(load_default=None, allow_none=True)


@blueprint.post("/<task_id>/claim")
@blueprint.arguments(UserId)
@blueprint.response(204, description="已领取;同事已领取则为 409 · It is yours; 409 if a colleague has it")
def claim(said: dict[str, Any], task_id: str) -> Response:
    """Take a task of one's groups; for somebody else only who may assign it.

    领取任务,须在本人的工作组;替他人领取须有权指派。
    """
    if said["user"] in (None, person().id):
        engine().claim(task_id, person(), now())
    else:
        engine().assign(task_id, said["user"], person(), now(), only_free=True)
    return no_content()


@blueprint.post("/<task_id>/unclaim")
@blueprint.arguments(EmptyBody)
@blueprint.response(204, description="已退回 · It is open to its groups again")
def unclaim(_: dict[str, Any], task_id: str) -> Response:
    """Give a task back to its groups: one's own, or as leader or manager a colleague's.

    把任务退回工作组:本人的,或由组长、事件经理退回他人的。
    """
    engine().unclaim(task_id, person(), now())
    return no_content()


@blueprint.post("/<task_id>/assignee")
@blueprint.arguments(UserId)
@blueprint.response(204, description="已完成 · Done")
def assignee(said: dict[str, Any], task_id: str) -> Response:
    """Give a task to a colleague of its groups, or (null) to nobody.

    把任务指派给其工作组的同事;null 为不指派。
    """
    engine().assign(task_id, said["user"], person(), now())
    return no_content()


@blueprint.post("/<task_id>/delegate")
@blueprint.arguments(UserId)
@blueprint.response(204, description="已委托,由 resolve 交回 · Done; it comes back with resolve")
def delegate(said: dict[str, Any], task_id: str) -> Response:
    """Have a colleague do a task that stays one's own.

    把任务委托给同事办理,所有者仍是本人。
    """
    if said["user"] is None:
        raise BadValue("userId", "必填", "is required")
    engine().delegate(task_id, said["user"], person(), now())
    return no_content()


@blueprint.post("/<task_id>/resolve")
@blueprint.arguments(TypedVariables)
@blueprint.response(204, description="已交回 · It is its owner's again")
def resolve(said: dict[str, Any], task_id: str) -> Response:
    """Give a delegated task back to its owner, who completes it.

    把受托的任务交回所有者,由其完成。
    """
    if said["variables"]:
        raise Unsupported(
            "variables", "变量在完成任务时填写", "variables are given when the task is completed"
        )
    engine().resolve(task_id, person(), now())
    return no_content()


@blueprint.get("/<task_id>/identity-links")
@blueprint.doc(parameters=parameters({"type": {"type": "string", "enum": LINKS}}))
@blueprint.answers(200, several("IdentityLinkOfTask"), "关联的人和组 · People and groups")
def identity_links(task_id: str) -> list[dict[str, Any]]:
    """List assignee, owner and candidate groups of a task.

    列出任务的处理人、所有者和候选组。
    """
    wanted = given().get("type")
    row = found(task_id)
    people = {"assignee": row.assignee, "owner": row.owner}
    links = [{"userId": who, "groupId": None, "type": kind} for kind, who in people.items() if who]
    links += [{"userId": None, "groupId": group, "type": "candidate"} for group in row.groups]
    return [link for link in links if wanted in (None, link["type"])]


@blueprint.post("/<task_id>/identity-links")
@blueprint.arguments(IdentityLink)
@blueprint.response(204, description="已完成 · Done")
def add_link(said: dict[str, Any], task_id: str) -> Response:
    """Set the assignee of a task; candidates follow from the diagram.

    设置任务的处理人;候选组由流程图决定,不能增加。
    """
    engine().assign(task_id, _assignee(said), person(), now())
    return no_content()


@blueprint.post("/<task_id>/identity-links/delete")
@blueprint.arguments(IdentityLink)
@blueprint.response(204, description="已完成 · Done")
def remove_link(said: dict[str, Any], task_id: str) -> Response:
    """Remove the assignee of a task; candidates follow from the diagram.

    移除任务的处理人;候选组由流程图决定,不能删除。
    """
    if _assignee(said) == found(task_id).assignee:
        engine().assign(task_id, None, person(), now())
    return no_content()


@blueprint.get("/<task_id>/comment")
@blueprint.answers(200, several("Comment"), "备注 · The comments")
def comments(task_id: str) -> list[dict[str, Any]]:
    """List what was said about a task, newest first, also when it is finished.

    列出任务的备注,最新的在前;已完成的任务也可查。
    """
    table = store.comment
    chosen = sa.select(table).where(table.c.task_id == store.storable(task_id)).order_by(table.c.id.desc())
    with product().database.read() as connection:
        _known(connection, task_id)
        return [shapes.comment(row) for row in connection.execute(chosen)]


@blueprint.get("/<task_id>/comment/<comment_id>")
@blueprint.answers(200, "Comment", "备注 · The comment")
def comment(task_id: str, comment_id: str) -> dict[str, Any]:
    """Read one comment on a task.

    查询任务的一条备注。
    """
    return _comment(task_id, comment_id)


@blueprint.post("/<task_id>/comment/create")
@blueprint.arguments(Remark)
@blueprint.answers(200, "Comment", "备注 · The comment")
def create_comment(said: dict[str, Any], task_id: str) -> dict[str, Any]:
    """Comment on an open task of one's groups.

    给本人工作组的未完成任务写备注。
    """
    message = (said["message"] or "").strip()
    if not 0 < len(message) <= COMMENT_LIMIT:
        raise BadValue(
            "message", f"须为 1–{COMMENT_LIMIT} 个字符", f"must have 1 to {COMMENT_LIMIT} characters"
        )
    return _comment(task_id, engine().comment(task_id, message, person(), now()))


def _assignee(said: dict[str, Any]) -> str:
    if said["type"] != "assignee" or not said["user"]:
        raise Unsupported(
            str(said["type"]),
            "只能设置 assignee;候选组由流程图决定",
            "only the assignee is set; candidates follow from the diagram",
        )
    return str(said["user"])


def _comment(task_id: str, comment_id: str) -> dict[str, Any]:
    table = store.comment
    mine = (table.c.task_id == store.storable(task_id), table.c.id == store.storable(comment_id))
    with product().database.read() as connection:
        row = connection.execute(sa.select(table).where(*mine)).first()
    if row is None:
        raise NotMatching(what="comment", id=comment_id)
    return shapes.comment(row)


def _known(connection: sa.Connection, task_id: str) -> None:
    chosen = sa.select(store.task.c.id).where(store.task.c.id == store.storable(task_id))
    if connection.execute(chosen).first() is None:
        raise NotMatching(what="task", id=task_id)
