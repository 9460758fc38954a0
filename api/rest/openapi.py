"""The OpenAPI document of /engine-rest: one of its own, since its shapes and its errors are Camunda's."""

from http import HTTPStatus
from typing import Any

import flask_smorest
from flask import Flask

from api import http
from api.rest.errors import PREFIX

NAME = "REST_"
OPENAPI = {
    "info": {"description": "Camunda 7 接口的一部分 · A subset of the interface of Camunda 7 (7.24)"},
    "components": {"securitySchemes": http.SECURITY},
    "security": [{name: []} for name in http.SECURITY],
}
SHAPES: dict[str, dict[str, Any]] = {
    "Error": {
        "type": "object",
        "description": "唯一的错误格式 · The one body of every error",
        "properties": {
            "type": {"type": "string", "description": "Camunda 的异常类名 · The name of Camunda's exception"},
            "title": {"type": "string"},
            "status": {"type": "integer", "description": "HTTP 状态 · The status of HTTP"},
            "detail": {"type": "string"},
            "instance": {"type": "string", "description": "请求的路径 · The path of the request"},
            "message": {"type": "string", "description": "给人看的一句话 · The sentence for a person"},
            "code": {
                "type": "integer",
                "description": "1 为乐观锁冲突,其余为 0 · 1 for a stale write, else 0",
            },
            "error": {"type": "string", "description": "flow200 的代码 · The word of flow200 for a program"},
            "details": {
                "type": "object",
                "description": "有误的字段,或各文件的问题 · What is wrong, by field or by file",
            },
        },
        "required": ["type", "message", "code"],
    },
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
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
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
