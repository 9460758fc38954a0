"""The reference data over HTTP: persons, organisations, workgroups, CIs, services, vendors, contracts."""

from typing import Any

from api.http import Blueprint
from api.v1 import lists, reading
from handlers import directory
from handlers.directory import DIRECTORIES

ACTIVE = "启用的 · In use"
TEXT = "名称或代码中的文字 · Text in the name or the code"


class PeopleQuery(lists.ListQuery):
    """Which persons."""

    organisation = lists.text("组织代码 · Code of an organisation", 40)
    group = lists.text("工作组代码 · Code of a workgroup", 40)
    vip = lists.truth("重要客户 · VIP")
    active = lists.truth(ACTIVE)
    text = lists.text(
        "姓名、工号、帐号或电话中的文字 · Text in the name, staff number, account, or phone", 80
    )
    sort = lists.order(DIRECTORIES["people"].orders)


class OrganisationQuery(lists.ListQuery):
    """Which organisations."""

    type = lists.text("类型 HO/BR1/BR2/SUB/CSC/MON/EXT · Type", 8)
    parent = lists.text("上级组织代码 · Code of the organisation above", 40)
    province = lists.text("省份 · Province", 40)
    active = lists.truth(ACTIVE)
    text = lists.text(TEXT, 80)


class WorkgroupQuery(lists.ListQuery):
    """Which workgroups."""

    tier = lists.text("层级 L1/L2/L3/MGT · Tier", 8)
    parent = lists.text("上级工作组代码 · Code of the group above", 40)
    active = lists.truth(ACTIVE)
    text = lists.text(TEXT, 80)


class CiQuery(lists.ListQuery):
    """Which configuration items."""

    kind = lists.text("种类 · Kind", 40)
    environment = lists.text("环境 PROD/DEV/TEST/OFFICE · Environment", 40)
    category = lists.text("事件类别代码 · Code of the table category", 40)
    service = lists.text("服务代码 · Code of a service", 40)
    owner_group = lists.text("责任工作组 · The group that owns it", 40)
    contract = lists.text("维保合同代码 · Code of a contract", 40)
    active = lists.truth(ACTIVE)
    text = lists.text(TEXT, 80)


class ServiceQuery(lists.ListQuery):
    """Which services."""

    owner = lists.text("所属组织代码 · Code of the organisation that owns it", 40)
    regulatory = lists.truth("监管报送相关 · Subject to regulation")
    active = lists.truth(ACTIVE)
    text = lists.text(TEXT, 80)


class VendorQuery(lists.ListQuery):
    """Which vendors."""

    active = lists.truth(ACTIVE)
    text = lists.text(TEXT, 80)


class ContractQuery(lists.ListQuery):
    """Which contracts."""

    vendor = lists.text("供应商代码 · Code of a vendor", 40)
    active = lists.truth(ACTIVE)
    text = lists.text(TEXT, 80)


def _blueprint(name: str, path: str, described: str) -> Blueprint:
    return Blueprint(name, __name__, url_prefix=f"/api/v1/{path}", description=described)


def _page(name: str, query: dict[str, Any]) -> dict[str, Any]:
    sort = query.get("sort") or next(iter(DIRECTORIES[name].orders))
    after = lists.place(query, DIRECTORIES[name].orders[sort].kinds)
    with reading.record() as (connection, _):
        page = directory.entries(
            connection,
            name,
            lists.wanted(query),
            sort=sort,
            limit=query["limit"],
            after=after,
            contacts=reading.sees_contacts(connection),
        )
    return lists.answer(page, query)


def _entry(name: str, key: str) -> dict[str, Any]:
    with reading.record() as (connection, _):
        return directory.entry(connection, name, key, contacts=reading.sees_contacts(connection))


people = _blueprint("people", "people", "人员 · People")
organisations = _blueprint("organisations", "organisations", "组织 · Organisations")
workgroups = _blueprint("workgroups", "workgroups", "工作组 · Workgroups")
cis = _blueprint("cis", "cis", "配置项 · Configuration items")
services = _blueprint("services", "services", "服务 · Services")
vendors = _blueprint("vendors", "vendors", "供应商 · Vendors")
contracts = _blueprint("contracts", "contracts", "维保合同 · Contracts")
BLUEPRINTS = (people, organisations, workgroups, cis, services, vendors, contracts)


@people.get("")
@people.arguments(PeopleQuery, location="query")
@people.answers(200, "People", "一页人员 · A page of persons")
def list_people(query: dict[str, Any]) -> dict[str, Any]:
    """List persons; phone, mobile, mail and notes are null for who may not read them.

    列出人员;无权查看者得到的电话、手机、邮件和备注为 null。
    """
    return _page("people", query)


@people.get("/<staff_no>")
@people.answers(200, "Person", "人员及其工作组 · The person with his groups")
def person(staff_no: str) -> dict[str, Any]:
    """Read one person.

    查询一名人员。
    """
    return _entry("people", staff_no)


@organisations.get("")
@organisations.arguments(OrganisationQuery, location="query")
@organisations.answers(200, "Organisations", "一页组织 · A page of organisations")
def list_organisations(query: dict[str, Any]) -> dict[str, Any]:
    """List organisations.

    列出组织。
    """
    return _page("organisations", query)


@organisations.get("/<code>")
@organisations.answers(200, "Organisation", "组织 · The organisation")
def organisation(code: str) -> dict[str, Any]:
    """Read one organisation.

    查询一个组织。
    """
    return _entry("organisations", code)


@workgroups.get("")
@workgroups.arguments(WorkgroupQuery, location="query")
@workgroups.answers(200, "Workgroups", "一页工作组 · A page of workgroups")
def list_workgroups(query: dict[str, Any]) -> dict[str, Any]:
    """List workgroups with their members.

    列出工作组及其成员。
    """
    return _page("workgroups", query)


@workgroups.get("/<code>")
@workgroups.answers(200, "Workgroup", "工作组及其成员 · The group with its members")
def workgroup(code: str) -> dict[str, Any]:
    """Read one workgroup with its members.

    查询一个工作组及其成员。
    """
    return _entry("workgroups", code)


@cis.get("")
@cis.arguments(CiQuery, location="query")
@cis.answers(200, "Cis", "一页配置项 · A page of configuration items")
def list_cis(query: dict[str, Any]) -> dict[str, Any]:
    """List configuration items.

    列出配置项。
    """
    return _page("cis", query)


@cis.get("/<code>")
@cis.answers(200, "Ci", "配置项 · The configuration item")
def ci(code: str) -> dict[str, Any]:
    """Read one configuration item.

    查询一个配置项。
    """
    return _entry("cis", code)


@services.get("")
@services.arguments(ServiceQuery, location="query")
@services.answers(200, "Services", "一页服务 · A page of services")
def list_services(query: dict[str, Any]) -> dict[str, Any]:
    """List services.

    列出服务。
    """
    return _page("services", query)


@services.get("/<code>")
@services.answers(200, "Service", "服务 · The service")
def service(code: str) -> dict[str, Any]:
    """Read one service.

    查询一项服务。
    """
    return _entry("services", code)


@vendors.get("")
@vendors.arguments(VendorQuery, location="query")
@vendors.answers(200, "Vendors", "一页供应商 · A page of vendors")
def list_vendors(query: dict[str, Any]) -> dict[str, Any]:
    """List vendors with their contacts, first to call first, and the codes of their contracts.

    列出供应商、其联系人(按联系次序)和合同代码。
    """
    return _page("vendors", query)


@vendors.get("/<code>")
@vendors.answers(200, "Vendor", "供应商 · The vendor")
def vendor(code: str) -> dict[str, Any]:
    """Read one vendor.

    查询一家供应商。
    """
    return _entry("vendors", code)


@contracts.get("")
@contracts.arguments(ContractQuery, location="query")
@contracts.answers(200, "Contracts", "一页合同 · A page of contracts")
def list_contracts(query: dict[str, Any]) -> dict[str, Any]:
    """List contracts; `response` is the vendor's limit in minutes by priority.

    列出维保合同;response 为各优先级的响应时限(分钟)。
    """
    return _page("contracts", query)


@contracts.get("/<code>")
@contracts.answers(200, "Contract", "合同 · The contract")
def contract(code: str) -> dict[str, Any]:
    """Read one contract.

    查询一份合同。
    """
    return _entry("contracts", code)
