"""The code tables over HTTP: what may be chosen, and the figures behind it."""

from typing import Any

from api.http import Blueprint, Schema
from api.v1 import lists, reading
from handlers import directory

blueprint = Blueprint("codes", __name__, url_prefix="/api/v1/codes", description="代码表 · Code tables")


class CodeQuery(Schema):
    """Which rows of a table."""

    active = lists.truth("启用的 · In use")


@blueprint.get("")
@blueprint.answers(200, "CodeTables", "全部代码表 · All code tables")
def tables() -> dict[str, Any]:
    """List the code tables with the number of their rows.

    列出代码表及其行数。
    """
    with reading.record() as (_, codes):
        return lists.whole(directory.code_tables(codes))


@blueprint.get("/<table>")
@blueprint.arguments(CodeQuery, location="query")
@blueprint.answers(200, "Codes", "整张代码表,按其顺序 · The whole table, in its order")
def table(query: dict[str, Any], table: str) -> dict[str, Any]:
    """Read a code table: names in Chinese and English, and the figures of each row in `data`.

    查询一张代码表:中英文名称,以及每行的数据(data)。
    """
    with reading.record() as (_, codes):
        return lists.whole(directory.code_table(codes, table, query.get("active")))
