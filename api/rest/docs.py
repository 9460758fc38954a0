"""The reference of /engine-rest as a page, for people who write a client of Camunda 7."""

from flask import Response
from flask import current_app as app

from api import reference
from api.rest import openapi
from api.rest.errors import PREFIX
from api.rest.http import Blueprint
from api.rest.meanings import MEANINGS

blueprint = Blueprint("docs", __name__, "文档 · Documentation")
HALF = reference.Half(
    prefix=PREFIX,
    lead=(
        "Camunda 7 REST 接口(7.24)的一部分,格式与其相同:camunda-deploy、pycamunda 等客户端无需修改即可使用。"
        "背后是与 `/api/v1` 相同的引擎、表单和权限。",
        "A subset of the REST interface of Camunda 7 (7.24) in its shapes: clients such as camunda-deploy "
        "and pycamunda work without a change. Behind it are the engine, forms and rights of `/api/v1`.",
    ),
    rules=(
        (
            "用帐号和密码登录(HTTP Basic),或先在浏览器登录;操作人即登录人。"
            "`/engine-rest/engine/default/…` 与此处相同,路径中多余的斜线会被忽略。",
            "Sign in with account and password (HTTP Basic), or with a browser first; who acts is who signed "
            "in. `/engine-rest/engine/default/…` is the same, and a slash too many is overlooked.",
        ),
        (
            "时间返回为 `yyyy-MM-dd'T'HH:mm:ss.SSSZ`,例如 `2016-01-25T13:33:42.165+0100`;读取时冒号、毫秒和"
            "时区可有可无,没有时区的按本系统时区。",
            "Times leave as `yyyy-MM-dd'T'HH:mm:ss.SSSZ`, such as `2016-01-25T13:33:42.165+0100`; they are "
            "read with or without colon, milliseconds and offset, and without an offset are of the zone of "
            "the installation.",
        ),
        (
            "变量为 `{名称: {type, value, valueInfo}}`,类型有 String、Integer、Long、Short、Double、Boolean、"
            "Date、Json、Null。Camunda 有而 flow200 没有的字段为 null。",
            "Variables are `{name: {type, value, valueInfo}}`; the types are String, Integer, Long, Short, "
            "Double, Boolean, Date, Json and Null. A field of Camunda that flow200 does not have is null.",
        ),
        (
            "用 `firstResult` 和 `maxResults` 翻页,一页最多 1000 行;`sortBy` 和 `sortOrder` 须同时给出。",
            "`firstResult` and `maxResults` page, 1,000 rows at most; `sortBy` and `sortOrder` go together.",
        ),
        (
            "错误体的 `type` 是 Camunda 的异常类名,`message` 是给人看的一句话,`code` 是 Camunda 的数字(1 为"
            "乐观锁冲突,其余为 0),`error` 是 flow200 自己的代码;表单或流程图有误时带 `details`。",
            "Of an error, `type` is the name of Camunda's exception, `message` the sentence for a person, "
            "`code` Camunda's number (1 for a stale write, else 0), `error` flow200's own word; a refused "
            "form or diagram adds `details`.",
        ),
        (
            "有意与 Camunda 不同:任务、实例或流程定义不存在为 404;任务已被领取、已完成、写入过期、业务键重"
            "复、无人等待的消息为 409;答案不符合表单或流程规定为 422。答案只能设置其表单的变量;候选组必须遵"
            "守;其他人的 `userId` 是指派。",
            "On purpose not as Camunda: an unknown task, instance or definition is a 404; a task that is "
            "claimed or finished, a stale write, a business key that is open and a message that nobody "
            "waits for are a 409; an answer that does not fit its form or the process is a 422. An answer "
            "sets the variables of its form and no other; candidate groups are enforced; a `userId` of "
            "somebody else is an assignment.",
        ),
        (
            "会被误解的请求按名称拒绝(400):租户、直接修改变量、`resolve` 的变量、按变量或表达式查询;其他未知"
            "的参数和字段被忽略。外部任务、作业、迁移、批处理、DMN、CMMN 和授权没有(404)。全部差别见 "
            "docs/reference/engine-rest.md。",
            "What would mislead is refused by name (400): tenants, changing variables directly, variables "
            "of `resolve`, queries by variables or expressions; any other unknown parameter or field is "
            "ignored. External tasks, jobs, migration, batches, DMN, CMMN and authorizations are not there "
            "(404). docs/reference/engine-rest.md has every difference.",
        ),
    ),
    meanings=MEANINGS,
)


@blueprint.get("")
@blueprint.doc(**reference.OPERATION)
def page() -> Response:
    """Read this document as a page; needs no password.

    以网页形式阅读本文档;不需要密码。
    """
    return reference.page(HALF, openapi.document_of(app))
