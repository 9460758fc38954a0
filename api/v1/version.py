"""Which flow200 this is: product, engine, schema of the database, deployed processes."""

import platform
from importlib import metadata
from typing import Any

from api.http import Blueprint
from api.product import product
from engine import reads

blueprint = Blueprint("version", __name__, url_prefix="/api/v1/version", description="版本 · Version")


@blueprint.get("")
@blueprint.answers(200, "Version", "版本 · The versions")
def version() -> dict[str, Any]:
    """Read the versions of product, engine and database schema, and of the deployed processes.

    查询产品、引擎、数据库结构和已部署流程的版本。
    """
    from api import migrations  # Alembic is heavy and asked for rarely

    with product().database.read() as connection:
        deployed = [
            {
                "process": row.key,
                "version": row.version,
                "name": row.name,
                "id": row.id,
                "deployed_at": row.created_at,
                "carried_forms": [
                    {"file": form.name, "deployment_id": form.carried_from}
                    for form in reads.carried(connection, row.deployment_id)
                ],
            }
            for row in reads.definitions(connection)
        ]
    return {
        "product": {"name": "flow200", "version": metadata.version("flow200")},
        "engine": {"name": "SpiffWorkflow", "version": metadata.version("SpiffWorkflow")},
        "python": platform.python_version(),
        "database": product().database.engine.dialect.name,
        "schema": migrations.revision(product().database),
        "definitions": deployed,
    }
