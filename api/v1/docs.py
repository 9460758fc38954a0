"""The reference of /api/v1, for machines and as a page, with examples that tests recorded."""

import json
from functools import cache
from typing import Any

from flask import Response
from flask import current_app as app

from api import reference
from api.http import Blueprint
from api.settings import ROOT
from api.v1.meanings import MEANINGS

blueprint = Blueprint("docs", __name__, url_prefix="/api/v1", description="文档 · Documentation")
EXAMPLES = ROOT / "api" / "v1" / "examples.json"
HALF = reference.Half(
    prefix="/api/v1",
    lead=(
        "流程 200 的业务接口,全部位于 `/api/v1` 之下。本页由服务自己的 OpenAPI 文档生成,示例由测试记录。",
        "The domain of process 200, all below `/api/v1`. This page is made from the service's own OpenAPI "
        "document; the examples were recorded by tests.",
    ),
    rules=(
        (
            "收发 JSON;用帐号和密码登录(HTTP Basic),或先在浏览器登录(`/login`;修改须带 `X-CSRF-Token`);操作"
            "人即登录人。",
            "JSON in, JSON out; sign in with account and password (HTTP Basic), or with a browser first ("
            "`/login`; changes need `X-CSRF-Token`); who acts is who signed in.",
        ),
        (
            "时间须带时区,返回时为 +08:00。",
            "Times come in with an offset and leave as +08:00.",
        ),
        (
            "列表返回 `{items, total, total_capped, next}`;把 `next` 作为 `after` 取下一页。`total` 最多数到"
            " 1000。",
            "Lists answer `{items, total, total_capped, next}`; give `next` as `after` for the next page. A "
            "`total` counts up to 1,000.",
        ),
        (
            "电话、手机、邮件等个人联系方式只对支持人员可见(政策 `contact_tiers`),其他人得到 null。",
            "Phone, mobile and mail of persons are for supporters (policy `contact_tiers`); others get null.",
        ),
    ),
    meanings=MEANINGS,
)


@blueprint.get("/openapi.json")
@blueprint.doc(security=[])
@blueprint.answers(200, "OpenApi", "OpenAPI 3.1")
def openapi() -> dict[str, Any]:
    """Read this document as OpenAPI; needs no password.

    以 OpenAPI 格式读取本文档;不需要密码。
    """
    return document_of()


@blueprint.get("/docs")
@blueprint.doc(**reference.OPERATION)
def page() -> Response:
    """Read this document as a page; needs no password.

    以网页形式阅读本文档;不需要密码。
    """
    return reference.page(HALF, document_of(), examples())


def document_of() -> dict[str, Any]:
    """The OpenAPI document with the examples that tests recorded."""
    document: dict[str, Any] = app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict()
    for name, example in examples().items():
        method, path = name.split(" ")
        said = document["paths"][path][method.lower()]
        answer = next(a for status, a in said["responses"].items() if status.startswith("2"))
        answer["content"]["application/json"]["example"] = example["answer"]
        if "request" in example:
            said["requestBody"]["content"]["application/json"]["example"] = example["request"]
    return document


@cache
def examples() -> dict[str, Any]:
    """Requests and answers by operation, as `tests/api/v1/test_examples.py` recorded them."""
    return dict(json.loads(EXAMPLES.read_text(encoding="utf-8"))) if EXAMPLES.exists() else {}
