"""What the edge can refuse, and the one body in which every error leaves flow200, in Chinese or English."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask, Response, current_app, has_request_context, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from engine import errors as engine_errors
from handlers import errors as desk_errors

Fields = Mapping[str, Mapping[str, str]]


class EdgeError(Exception):
    """The request could not be accepted."""

    status = 400
    code = "bad-request"
    zh = "请求无法处理。"
    en = "The request cannot be accepted."
    headers: Mapping[str, str] = {}

    def __init__(self, fields: Fields | None = None, **params: Any) -> None:
        self.fields: Fields = fields or {}
        self.params = params
        super().__init__(self.text("en"))

    def text(self, lang: str) -> str:
        """The sentence for the caller; `lang` is "zh" or "en"."""
        return (self.zh if lang == "zh" else self.en).format_map(self.params)


class NotJson(EdgeError):
    """The body is not declared as JSON."""

    status = 415
    code = "unsupported-media-type"
    zh = "请求体必须是 JSON(Content-Type: application/json),收到的是「{type}」。"
    en = "The body must be JSON (Content-Type: application/json), not “{type}”."


class UnknownFileType(EdgeError):
    """The body is not a file of a kind that is taken here."""

    status = 415
    code = "unknown-file-type"
    zh = "文件类型(Content-Type)须为 {taken},收到的是「{type}」。"
    en = "The type of the file (Content-Type) must be {taken}, not “{type}”."


class BodyTooLarge(EdgeError):
    """The body is larger than 1 MiB."""

    status = 413
    code = "body-too-large"
    zh = "请求体超过上限 {limit} 字节。"
    en = "The body is larger than the limit of {limit} bytes."


class MalformedJson(EdgeError):
    """The body is not well-formed JSON."""

    code = "malformed-json"
    zh = "请求体不是合法的 JSON:{reason}。"
    en = "The body is not valid JSON: {reason}."


class DuplicateKey(EdgeError):
    """An object of the body names the same key twice."""

    code = "duplicate-key"
    zh = "JSON 对象中的键「{key}」出现了两次。"
    en = "The key “{key}” appears twice in a JSON object."


class TooDeep(EdgeError):
    """The body nests objects and lists deeper than any form needs."""

    code = "too-deep"
    zh = "JSON 嵌套超过 {limit} 层。"
    en = "The JSON is nested deeper than {limit} levels."


class BadNumber(EdgeError):
    """The body holds a number that cannot be stored exactly."""

    code = "bad-number"
    zh = "数字 {number} 超出可以保存的范围。"
    en = "The number {number} is outside the range that can be kept."


class BadText(EdgeError):
    """The request holds a character that no text may contain."""

    code = "bad-text"
    zh = "文本中含有不允许的空字符(U+0000)。"
    en = "The text contains the forbidden character U+0000."


class NotAnObject(EdgeError):
    """The body is JSON, but not an object."""

    code = "not-an-object"
    zh = "请求体必须是一个 JSON 对象。"
    en = "The body must be a JSON object."


class InvalidRequest(EdgeError):
    """A parameter or field is missing, unknown or has a value that is not allowed."""

    status = 422
    code = "invalid-request"
    zh = "请求中有无效的内容:{names}。"
    en = "The request has values that are not valid: {names}."

    def __init__(self, fields: Fields) -> None:
        super().__init__(fields, names=", ".join(sorted(fields)))


class Unauthenticated(EdgeError):
    """The account or the password is wrong, or none was given."""

    status = 401
    code = "unauthenticated"
    zh = "请用帐号和密码登录(HTTP Basic)。帐号或密码不正确。"
    en = "Sign in with account and password (HTTP Basic). Account or password is wrong."
    headers: Mapping[str, str] = {"WWW-Authenticate": 'Basic realm="flow200", charset="UTF-8"'}


class WrongSignIn(Unauthenticated):
    """The login form was answered with a wrong account or password; which of them is not told."""

    zh = "帐号或密码不正确。"
    en = "Account or password is wrong."
    headers: Mapping[str, str] = {"WWW-Authenticate": 'Cookie realm="flow200"'}


class SessionEnded(Unauthenticated):
    """The session of the cookie has ended; a browser must not ask for a password by itself then."""

    code = "session-ended"
    zh = "登录已失效,请重新登录(/login)。"
    en = "The session has ended; sign in again (/login)."
    headers: Mapping[str, str] = {"WWW-Authenticate": 'Cookie realm="flow200"'}


class ForeignOrigin(EdgeError):
    """A browser sent this from a page that is not ours, or, with a cookie, from none that it names."""

    status = 403
    code = "foreign-origin"
    zh = "请求不是从本系统的页面发出的(Origin、Sec-Fetch-Site),已拒绝。"
    en = "The request does not come from a page of this service (Origin, Sec-Fetch-Site); it is refused."


class CsrfRefused(EdgeError):
    """A change that is signed by a cookie lacks the token of its session."""

    status = 403
    code = "csrf-refused"
    zh = "缺少本次登录的 CSRF 令牌或令牌不符(表单字段 csrf_token 或请求头 X-CSRF-Token);请刷新页面后重试。"
    en = (
        "The CSRF token of this session is missing or wrong (form field csrf_token or header X-CSRF-Token);"
        " reload the page and try again."
    )


class TooManyAttempts(EdgeError):
    """Too many wrong passwords for this account; wait."""

    status = 429
    code = "too-many-attempts"
    zh = "该帐号登录失败次数过多,请在 {seconds} 秒后重试。"
    en = "Too many wrong passwords for this account; try again in {seconds} seconds."

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds=seconds)
        self.headers = {"Retry-After": str(seconds)}


HTTP_SENTENCES = {
    400: ("bad-request", "请求无法理解。", "The request cannot be understood."),
    404: ("route-not-found", "没有这个地址。", "There is no such address."),
    405: ("method-not-allowed", "该地址不支持此方法。", "This address does not support the method."),
    413: ("body-too-large", "请求体过大。", "The body is too large."),
    500: ("internal-error", "服务内部错误,已记录日志。", "Something failed inside; it has been logged."),
}
TITLES_ZH = {
    400: "请求有误",
    401: "未登录",
    403: "无权操作",
    404: "未找到",
    405: "方法不允许",
    409: "状态冲突",
    413: "内容过大",
    415: "类型不支持",
    422: "内容无效",
    429: "请求过多",
    500: "内部错误",
    503: "暂不可用",
}
# Most specific first: the HTTP status of what the engine and the desk refuse.
REFUSALS: tuple[tuple[type[Exception], int], ...] = (
    (engine_errors.NotFound, 404),
    (engine_errors.Conflict, 409),
    (engine_errors.Forbidden, 403),
    (engine_errors.TooLarge, 413),
    (engine_errors.Invalid, 422),
    (engine_errors.Failed, 500),
    (engine_errors.Unavailable, 503),
    (desk_errors.UnknownCall, 404),
    (desk_errors.UnknownPerson, 404),
    (desk_errors.WithdrawInstead, 409),
    (desk_errors.RecordNotFound, 404),
    (desk_errors.StaleCall, 409),
    (desk_errors.CallClosed, 409),
    (desk_errors.TransitionRefused, 409),
    (desk_errors.WorkOrderRefused, 409),
    (desk_errors.WorkOrderNotNow, 409),
    (desk_errors.CarriedByTask, 409),
    (desk_errors.PromiseNotNow, 409),
    (desk_errors.HandOffByProcess, 409),
    (desk_errors.HandOffAnswered, 409),
    (desk_errors.HandOverAcknowledged, 409),
    (desk_errors.HandOverOver, 409),
    (desk_errors.NotAllowed, 403),
    (desk_errors.Refused, 422),
)


# Who else speaks here: the beginning of a path, and how the body is told to its clients.
DIALECTS: dict[str, Callable[[dict[str, Any], Any, str], Response]] = {}
LANGUAGES = {"zh-CN": "zh", "en": "en"}
PAGES = ("pages", "login")
"""The blueprints whose addresses take a `lang`."""


def language() -> str:
    """ "zh" or "en": what a page is asked for by `lang`, what the request accepts, else FLOW200_LOCALE."""
    default = str(current_app.config["FLOW200"].locale[:2])
    if not has_request_context():
        return default
    if request.blueprint in PAGES and (chosen := request.args.get("lang")) in LANGUAGES:
        return LANGUAGES[chosen]
    if not request.accept_languages:
        return default
    return (request.accept_languages.best_match(["zh-CN", "zh", "en"]) or default)[:2]


def register(app: Flask) -> None:
    """Translate every error, ours and foreign, where it leaves the application."""
    app.register_error_handler(EdgeError, lambda error: told(error, error.status, error.headers))
    for kind, status in REFUSALS:
        app.register_error_handler(kind, _teller(status))
    app.register_error_handler(OperationalError, _unavailable)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def told(error: Any, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """The body of an error that has `code`, `text(lang)` and `fields`."""
    lang = language()
    fields = {name: sentences[lang] for name, sentences in error.fields.items()}
    return body(status, error.code, error.text(lang), fields, headers, error)


def body(
    status: int,
    code: str,
    sentence: str,
    fields: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    error: Any = None,
) -> Response:
    """The one error body of flow200: problem details (RFC 9457) with `message` and `code`."""
    title = TITLES_ZH.get(status, "错误") if language() == "zh" else HTTPStatus(status).phrase
    content: dict[str, Any] = {
        "type": f"urn:flow200:error:{code}",
        "title": title,
        "status": status,
        "detail": sentence,
        "instance": request.path,
        "message": sentence,
        "code": code,
    }
    if fields:
        content["fields"] = fields
    if candidates := getattr(error, "candidates", None):
        content["candidates"] = candidates
    response = _dialect(content, error)
    response.headers.update(headers or {})
    response.headers["Content-Language"] = "zh-CN" if language() == "zh" else "en"
    return response


def _dialect(content: dict[str, Any], error: Any) -> Response:
    for prefix, reshape in DIALECTS.items():
        if request.path.startswith(prefix):
            return reshape(content, error, language())
    return Response(orjson.dumps(content), content["status"], mimetype="application/problem+json")


def _teller(status: int) -> Any:
    return lambda error: told(error, status)


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    code, zh, en = HTTP_SENTENCES.get(status, (f"http-{status}", error.name, error.name))
    response = body(status, code, zh if language() == "zh" else en)
    if allowed := getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _unavailable(error: OperationalError) -> Response:
    """The database does not answer a read, as the engine says it of a verb."""
    current_app.logger.error("the database does not answer: %s", error.orig)
    return told(engine_errors.Unavailable(), 503, {"Retry-After": "5"})


def _unexpected(error: Exception) -> Response:
    current_app.logger.exception("%s %s failed", request.method, request.path, exc_info=error)
    code, zh, en = HTTP_SENTENCES[500]
    return body(500, code, zh if language() == "zh" else en)
