"""Forms are carried over: the id of each form file, and the deployment it was taken from."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

RESOURCE = sa.table(
    "resource",
    sa.column("deployment_id", sa.String),
    sa.column("name", sa.String),
    sa.column("content", sa.LargeBinary),
    sa.column("form", sa.String),
)


def upgrade() -> None:
    """To this revision; the forms that were deployed before get their ids."""
    op.add_column("resource", sa.Column("form", sa.String(length=200), nullable=True))
    op.add_column("resource", sa.Column("carried_from", sa.String(length=36), nullable=True))
    op.create_index("resource_form", "resource", ["form", "deployment_id"], unique=False)
    connection, column = op.get_bind(), RESOURCE.c
    for row in connection.execute(sa.select(RESOURCE).where(column.name.ilike("%.form"))).all():
        mine = (column.deployment_id == row.deployment_id, column.name == row.name)
        connection.execute(sa.update(RESOURCE).where(*mine).values(form=_form_id(row.name, row.content)))


def downgrade() -> None:
    """Back to the one before."""
    op.drop_index("resource_form", table_name="resource")
    op.drop_column("resource", "carried_from")
    op.drop_column("resource", "form")


def _form_id(name: str, content: bytes) -> str:
    found = str(json.loads(content).get("id") or name.removesuffix(".form"))
    return found.replace("\0", "?").encode(errors="replace").decode()[:200]
