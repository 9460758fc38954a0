"""What a client asks first: which version this is, which engines there are, where the web pages are."""

from typing import Any

from flask import Blueprint as Plain
from flask import Response, redirect, request

from api.rest.http import Blueprint, several

VERSION = "7.24.0"
"""The version of the interface whose shapes these are, not of flow200."""
APPS = {"adminUrl": "admin", "cockpitUrl": "cockpit", "tasklistUrl": "tasklist"}

blueprint = Blueprint("", __name__, "版本和引擎 · Version and engine")
well_known = Plain("well-known", __name__)


@blueprint.get("/version")
@blueprint.answers(200, "Version", "版本 · The version")
def version() -> dict[str, str]:
    """The version of Camunda 7 whose shapes these are, not that of flow200.

    所遵循的 Camunda 7 接口版本,不是 flow200 的版本。
    """
    return {"version": VERSION}


@blueprint.get("/engine")
@blueprint.answers(200, several("Engine"), "引擎 · The engines")
def engines() -> list[dict[str, str]]:
    """The one engine there is, default: below `/engine-rest/engine/default/…` is the same again.

    引擎列表,只有 default 一个:`/engine-rest/engine/default/…` 之下与此相同。
    """
    return [{"name": "default"}]


@blueprint.get("/filter")
@blueprint.answers(200, {"type": "array"}, "空列表 · An empty list")
def filters() -> list[Any]:
    """Stored filters: none; a task list brings its own.

    已保存的筛选器:没有;任务列表自带筛选。
    """
    return []


@blueprint.get("/filter/count")
@blueprint.answers(200, "Count", "数量 · How many")
def filter_count() -> dict[str, int]:
    """How many stored filters there are: 0.

    已保存的筛选器的数量:0。
    """
    return {"count": 0}


@well_known.get("/.well-known/camunda-automation-platform/webapps")
def webapps() -> dict[str, str]:
    """Where the Modeler finds the pages that it links to after a deployment."""
    host = request.host_url.rstrip("/")
    return {name: f"{host}/app/{app}/" for name, app in APPS.items()}


@well_known.get("/app/<any(admin, cockpit, tasklist):app>/")
@well_known.get("/app/<any(admin, cockpit, tasklist):app>/<path:_place>")
def page(app: str, _place: str = "") -> Any:
    """Links of the Modeler into Camunda's pages end at ours."""
    answer: Response = redirect("/")  # type: ignore[assignment]
    return answer
