"""/engine-rest: a subset of Camunda 7's REST interface in its shapes, over the same verbs as /api/v1."""

from flask import Flask

from api.errors import DIALECTS
from api.rest import (
    definition,
    deployment,
    docs,
    history,
    identity,
    instance,
    message,
    openapi,
    task,
    task_form,
    task_people,
    version,
    wsgi,
)
from api.rest.errors import PREFIX, reshape

BLUEPRINTS = (
    version.blueprint,
    deployment.blueprint,
    definition.blueprint,
    task.blueprint,
    task_people.blueprint,
    task_form.blueprint,
    instance.blueprint,
    message.blueprint,
    history.blueprint,
    identity.blueprint,
    identity.users,
    identity.groups,
    docs.blueprint,
)
PUBLIC = {
    *("rest-api-docs.openapi_json", "rest-docs.page", "rest-identity.verify"),
    *("well-known.webapps", "well-known.page"),
}


def register(app: Flask) -> None:
    """Add every resource to the application."""
    api = openapi.api(app)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    app.register_blueprint(version.well_known)
    DIALECTS[PREFIX] = reshape
    wsgi.register(app)
