"""People and groups, as far as a task list asks for them; contact data stays in the domain's own half."""

from typing import Any

import sqlalchemy as sa
from marshmallow import fields

from api import auth
from api.errors import Unauthenticated
from api.product import now, product
from api.rest import queries
from api.rest.errors import BadValue, NotMatching
from api.rest.http import Blueprint, Schema, given, parameters, several
from engine import store
from handlers import tables

person, group, member = tables.person.c, tables.workgroup.c, tables.membership.c


def _people_of(code: str) -> sa.Select[Any]:
    return sa.select(member.person).where(member.workgroup == code)


def _groups_of(staff_no: str) -> sa.Select[Any]:
    return sa.select(member.workgroup).where(member.person == staff_no)


USERS = queries.Query(
    rows=sa.select(person.staff_no, person.name).where(person.active),
    filters={
        "id": queries.equal(person.staff_no),
        "idIn": queries.among(person.staff_no),
        "firstName": queries.equal(person.name),
        "firstNameLike": queries.like(person.name),
        "lastName": queries.never(),
        "lastNameLike": queries.never(),
        "memberOfGroup": queries.Filter(queries.text, lambda code: person.staff_no.in_(_people_of(code))),
        "memberOfTenant": queries.never(),
    },
    sorts={"userId": person.staff_no, "firstName": person.name, "lastName": person.name},
    default=(person.staff_no,),
    refused=frozenset({"email", "emailLike"}),
)
GROUPS = queries.Query(
    rows=sa.select(group.code, group.name, group.tier).where(group.active),
    filters={
        "id": queries.equal(group.code),
        "idIn": queries.among(group.code),
        "name": queries.equal(group.name),
        "nameLike": queries.like(group.name),
        "type": queries.equal(group.tier),
        "member": queries.Filter(queries.text, lambda who: group.code.in_(_groups_of(who))),
        "memberOfTenant": queries.never(),
    },
    sorts={"id": group.code, "name": group.name, "type": group.tier},
    default=(group.code,),
)

blueprint = Blueprint("identity", __name__, "身份 · Identity")
users = Blueprint("user", __name__, "人员 · People")
groups = Blueprint("group", __name__, "工作组 · Groups")


class Credentials(Schema):
    """Who somebody says to be."""

    username = fields.String(load_default=None, allow_none=True)
    password = fields.String(load_default=None, allow_none=True)


@blueprint.post("/verify")
@blueprint.doc(security=[])
@blueprint.arguments(Credentials)
@blueprint.answers(200, "AuthenticationResult", "结果 · The result")
def verify(said: dict[str, Any]) -> dict[str, Any]:
    """Whether account and password belong together; limited like signing in.

    验证帐号和密码;尝试次数与登录同样受限。
    """
    account, password = said["username"], said["password"]
    if not account or password is None:
        raise BadValue("username", "与 password 均为必填", "and password are required")
    try:
        found = auth.verified(product().doorkeeper, product().database, account, password, now())
    except Unauthenticated:
        return {"authenticatedUser": account, "authenticated": False}
    return {"authenticatedUser": found.id, "authenticated": True}


@blueprint.get("/groups")
@blueprint.doc(parameters=parameters({"userId": {"type": "string"}}))
@blueprint.answers(200, "GroupsOfUser", "工作组和同事 · The groups and who is in them")
def groups_of() -> dict[str, Any]:
    """The groups of a person, and who else is in them.

    查询一个人的工作组,以及组内的其他人。
    """
    who = given().get("userId")
    if not who:
        raise BadValue("userId", "必填", "is required")
    with product().database.read() as connection:
        mine = [_group(row) for row in GROUPS.page(connection, {"member": store.storable(who)})]
        codes = [one["id"] for one in mine]
        fellows = sa.select(member.person).where(member.workgroup.in_(codes), member.person != who)
        rows = connection.execute(USERS.rows.where(person.staff_no.in_(fellows)).order_by(person.staff_no))
        people = [{**_user(row), "displayName": row.name} for row in rows]
    return {
        "groups": [{"id": one["id"], "name": one["name"]} for one in mine],
        "groupUsers": [{k: v for k, v in one.items() if k != "email"} for one in people],
    }


@users.get("")
@users.doc(parameters=parameters(USERS.parameters))
@users.answers(200, several("User"), "一页人员 · A page of people")
def people() -> list[dict[str, Any]]:
    """List active people.

    列出在用的人员。
    """
    with product().database.read() as connection:
        return [_user(row) for row in USERS.page(connection, given())]


@users.get("/count")
@users.doc(parameters=parameters(USERS.conditions))
@users.answers(200, "Count", "数量 · How many")
def people_count() -> dict[str, int]:
    """How many active people fit the query.

    符合条件的在用人员数量。
    """
    with product().database.read() as connection:
        return USERS.count(connection, given())


@users.get("/<user_id>/profile")
@users.answers(200, "User", "人员 · The person")
def profile(user_id: str) -> dict[str, Any]:
    """Read one person; the whole name stands in firstName, since a Chinese name is not taken apart.

    查询一个人;中文姓名不拆分,全名在 firstName。
    """
    with product().database.read() as connection:
        rows = USERS.page(connection, {"id": store.storable(user_id)})
    if not rows:
        raise NotMatching(what="user", id=user_id)
    return _user(rows[0])


@groups.get("")
@groups.doc(parameters=parameters(GROUPS.parameters))
@groups.answers(200, several("Group"), "一页工作组 · A page of groups")
def all_groups() -> list[dict[str, Any]]:
    """List active workgroups.

    列出在用的工作组。
    """
    with product().database.read() as connection:
        return [_group(row) for row in GROUPS.page(connection, given())]


@groups.get("/count")
@groups.doc(parameters=parameters(GROUPS.conditions))
@groups.answers(200, "Count", "数量 · How many")
def groups_count() -> dict[str, int]:
    """How many active workgroups fit the query.

    符合条件的在用工作组数量。
    """
    with product().database.read() as connection:
        return GROUPS.count(connection, given())


@groups.get("/<group_id>")
@groups.answers(200, "Group", "工作组 · The group")
def one_group(group_id: str) -> dict[str, Any]:
    """Read one active workgroup.

    查询一个在用的工作组。
    """
    with product().database.read() as connection:
        rows = GROUPS.page(connection, {"id": store.storable(group_id)})
    if not rows:
        raise NotMatching(what="group", id=group_id)
    return _group(rows[0])


def _user(row: sa.Row[Any]) -> dict[str, Any]:
    return {"id": row.staff_no, "firstName": row.name, "lastName": "", "email": None}


def _group(row: sa.Row[Any]) -> dict[str, Any]:
    return {"id": row.code, "name": row.name, "type": row.tier}
