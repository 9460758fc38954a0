"""The OpenAPI document of /engine-rest: one of its own, since its shapes and its errors are Camunda's."""

from http import HTTPStatus
from typing import Any

import flask_smorest
from flask import Flask

from api import http
from api.rest.errors import PREFIX
from api.rest.schemas import SHAPES

NAME = "REST_"
OPENAPI = {
    "info": {"description": "Camunda 7 接口的一部分 · A subset of the interface of Camunda 7 (7.24)"},
    "components": {"securitySchemes": http.SECURITY},
    "security": [{name: []} for name in http.SECURITY],
}


class Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest with the one error of this half."""

    def init_app(self, app: Flask, **more: Any) -> None:
        """Register with the application, with the schemas that views name."""
        super().init_app(app, **more)
        for name, shape in SHAPES.items():
            self.spec.components.schema(name, shape)

    def _register_pagination_header(self) -> None:
        """Camunda has none."""

    def _register_responses(self) -> None:
        content = {"application/json": {"schema": http.ref("Error")}}
        for status in HTTPStatus:
            self.spec.components.response(
                status.name, {"description": status.phrase, "content": content}, lazy=True
            )
        said: dict[str, Any] = {"description": "错误 · An error", "content": content}
        self.spec.components.response("DEFAULT_ERROR", said, lazy=True)


def api(app: Flask) -> Api:
    """The document, served as `/engine-rest/openapi.json`."""
    app.config.update(
        {
            f"{NAME}API_TITLE": "flow200 /engine-rest",
            f"{NAME}API_VERSION": "7.24",
            f"{NAME}OPENAPI_VERSION": "3.1.0",
            f"{NAME}OPENAPI_URL_PREFIX": PREFIX,
        }
    )
    return Api(app, spec_kwargs=OPENAPI, config_prefix=NAME)


def document_of(app: Flask) -> dict[str, Any]:
    """The document that is served."""
    document: dict[str, Any] = app.extensions["flask-smorest"]["apis"][NAME]["ext_obj"].spec.to_dict()
    return document
