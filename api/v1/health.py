"""Is this process able to answer? For a load balancer and for people."""

from typing import Any

import sqlalchemy as sa

from api.http import Blueprint
from api.product import now, product

blueprint = Blueprint("health", __name__, url_prefix="/api/v1/health", description="可用性 · Health")


@blueprint.get("")
@blueprint.doc(security=[])
@blueprint.answers(200, "Health", "数据库有应答 · The database answers")
def health() -> dict[str, Any]:
    """Ask whether the service and its database answer; needs no password.

    查询服务及其数据库是否可用;不需要密码。
    """
    with product().database.read() as connection:
        connection.execute(sa.text("SELECT 1"))
    return {"status": "ok", "time": now()}
