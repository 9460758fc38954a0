"""Is this process able to answer? For a load balancer and for people."""

from typing import Any

import sqlalchemy as sa

from api.http import Blueprint
from api.product import now, product

blueprint = Blueprint("health", __name__, url_prefix="/api/v1/health", description="Health")


@blueprint.get("")
@blueprint.doc(security=[])
@blueprint.response(200, description="The database answers")
def health() -> dict[str, Any]:
    """服务是否可用 Whether the service and its database answer; needs no password."""
    with product().database.read() as connection:
        connection.execute(sa.text("SELECT 1"))
    return {"status": "ok", "time": now()}
