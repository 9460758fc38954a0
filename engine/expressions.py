"""The expressions of diagrams: conditions, timers, DMN cells, as modelers write them. Never eval or exec.

An expression is a small tree of our own, parsed by precedence climbing; it can compare, combine and
calculate, and nothing else: no calls, no private names, no powers. `${x == 'y'}`, `#{…}`, `=x` and bare
text mean the same; a bare ISO date, duration or repetition is text.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from engine.errors import Invalid
from engine.syntax import INPUT, MAX_NUMBER, Constant, Fault, Name, Node, Parser

MAX_LENGTH = 1_000
MAX_TEXT = 10_000

_WRAPPED = re.compile(r"[$#]\{(.*)\}", re.S)
_ISO = re.compile(
    r"(R\d*/)?P(?=[\dT])(\d+([.,]\d+)?[YMWD])*(T(\d+([.,]\d+)?[HMS])+)?"
    r"|\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?"
)


class ExpressionError(Invalid):
    """The expression cannot be read or evaluated."""

    code = "invalid-expression"
    zh = "表达式「{text}」无效:{why_zh}。"
    en = "The expression “{text}” is not valid: {why_en}."

    def __init__(self, text: str, why_zh: str = "无法求值", why_en: str = "it cannot be evaluated") -> None:
        self.why_zh, self.why_en = why_zh, why_en
        super().__init__(text=text[:200], why_zh=why_zh, why_en=why_en)


class UnknownName(ExpressionError):
    """The expression asks for a variable that is not there."""

    code = "unknown-name"

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        super().__init__(text, f"没有名为 {name} 的变量", f"there is no variable {name}")


@dataclass(frozen=True)
class Expression:
    """A compiled expression. `names` are the variables it reads; `tree` is for those who reason about it."""

    text: str
    tree: Node
    names: frozenset[str] = field(default=frozenset())

    def evaluate(self, context: Mapping[str, Any]) -> Any:
        """The value with the variables of `context`; raises ExpressionError or UnknownName."""
        try:
            return _evaluate(self.tree, context)
        except Fault as fault:
            raise _about(self.text, fault) from fault
        except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            raise ExpressionError(self.text, "值的类型不合适", "the values do not fit together") from error


@dataclass(frozen=True)
class UnaryTests:
    """A cell of a decision table: does the column's value fit?"""

    text: str
    expression: Expression

    @property
    def names(self) -> frozenset[str]:
        return self.expression.names

    def evaluate(self, value: Any, context: Mapping[str, Any] | None = None) -> bool:
        """Whether `value` passes; `context` holds the variables that the cell itself names."""
        return bool(self.expression.evaluate({**(context or {}), INPUT: value}))


@lru_cache(4096)
def compile_expression(text: str) -> Expression:
    """The expression in `text`, as typed into a modeler; raises ExpressionError."""
    return _compile(text, _body(text), Parser.whole)


@lru_cache(4096)
def compile_unary(text: str) -> UnaryTests:
    """S-FEEL unary tests: `-`, `"a","b"`, `not("a")`, `[1..5]`, `< 3`, `? > 1`; raises ExpressionError."""
    body = text.strip() if isinstance(text, str) else text
    if body in ("", "-"):
        return UnaryTests(text, Expression(text, Constant(True)))
    return UnaryTests(text, _compile(text, body, Parser.unary_tests))


@lru_cache(1024)
def compile_list(text: str) -> tuple[Expression, ...]:
    """A comma-separated attribute (`${group},WG-IM`): each part an expression if wrapped, else a literal."""
    _refuse_length(text)
    parts = [part.strip() for part in re.split(r",(?![^{}]*\})", text)]
    if not all(parts):
        raise ExpressionError(text, "逗号之间有空项", "there is an empty part between commas")
    return tuple(map(compile_text, parts))


@lru_cache(1024)
def compile_text(text: str) -> Expression:
    """An attribute that is literal text unless it is wrapped as `${…}`, `#{…}` or `=…`."""
    _refuse_length(text)
    if is_expression(text):
        return compile_expression(text)
    if re.search(r"[$#]\{", text):
        raise ExpressionError(text, "文字与 ${…} 不能混写", "text and ${…} cannot be mixed")
    return Expression(text, Constant(text.strip()))


def is_expression(text: str) -> bool:
    """Whether the modeler wrapped `text` as an expression."""
    stripped = text.strip()
    return stripped.startswith("=") or _WRAPPED.fullmatch(stripped) is not None


def _compile(text: str, body: str, rule: Callable[["Parser"], Node]) -> Expression:
    _refuse_length(text)
    try:
        parser = Parser(body)
        tree = rule(parser)
    except Fault as fault:
        raise _about(text, fault) from fault
    except RecursionError as error:
        raise ExpressionError(text, "嵌套过深", "it is nested too deeply") from error
    return Expression(text, tree, frozenset(parser.names))


def _about(text: str, fault: Fault) -> ExpressionError:
    return UnknownName(text, fault.name) if fault.name else ExpressionError(text, fault.zh, fault.en)


def _refuse_length(text: str) -> None:
    if not isinstance(text, str):
        raise ExpressionError(str(type(text)), "表达式必须是文字", "an expression must be text")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            text, f"长度超过 {MAX_LENGTH} 个字符", f"it is longer than {MAX_LENGTH} characters"
        )


def _body(text: str) -> str:
    _refuse_length(text)
    stripped = text.strip()
    if _ISO.fullmatch(stripped):
        return f"'{stripped}'"
    wrapped = _WRAPPED.fullmatch(stripped)
    body = wrapped[1] if wrapped else stripped.removeprefix("=")
    inner = body.strip()
    return f"'{inner}'" if _ISO.fullmatch(inner) else inner


def _evaluate(tree: Node, context: Mapping[str, Any]) -> Any:
    if isinstance(tree, Constant):
        return tree.value
    if isinstance(tree, Name):
        if tree.name in context:
            return context[tree.name]
        raise Fault("", "", tree.name)
    if tree.sign in _LAZY:
        return _LAZY[tree.sign](tree.parts, context)
    return _EAGER[tree.sign](*[_evaluate(part, context) for part in tree.parts])


def _every(parts: tuple[Node, ...], context: Mapping[str, Any]) -> bool:
    return all(_evaluate(part, context) for part in parts)


def _some(parts: tuple[Node, ...], context: Mapping[str, Any]) -> bool:
    return any(_evaluate(part, context) for part in parts)


def _choice(parts: tuple[Node, ...], context: Mapping[str, Any]) -> Any:
    return _evaluate(parts[1] if _evaluate(parts[0], context) else parts[2], context)


def _item_list(parts: tuple[Node, ...], context: Mapping[str, Any]) -> list[Any]:
    return [_evaluate(part, context) for part in parts]


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Numbers with numbers, text with text, dates with dates; anything else has no order."""

    def ordered(left: Any, right: Any) -> bool:
        kinds: tuple[Any, ...] = ((int, float), str, datetime, date)
        fits = any(isinstance(left, kind) and isinstance(right, kind) for kind in kinds)
        if not fits or isinstance(left, bool) or isinstance(right, bool):
            raise Fault("两边的值不能比较大小", "the two values have no order")
        return bool(compare(left, right))

    return ordered


def _equal(left: Any, right: Any) -> bool:
    """As the modeler means it: `true` is not 1."""
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return bool(left == right)


def _within(left: Any, right: Any) -> bool:
    if isinstance(right, str):
        if not isinstance(left, str):
            raise Fault("文字中只能查找文字", "only text can be found in text")
        return left in right
    if isinstance(right, list | tuple | set | frozenset | Mapping):
        return any(_equal(left, item) for item in right)
    raise Fault("in 的右边不是列表", "the right side of in is not a list")


def _numeric(calculate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def numeric(left: Any, right: Any) -> Any:
        for value in (left, right):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise Fault("只能对数字进行计算", "only numbers can be calculated")
            if not abs(value) <= MAX_NUMBER:
                raise Fault("数字过大", "the number is too large")
        if calculate in (operator.truediv, operator.mod) and right == 0:
            raise Fault("除数为零", "division by zero")
        return calculate(left, right)

    return numeric


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > MAX_TEXT:
            raise Fault("文字过长", "the text is too long")
        return left + right
    return _numeric(operator.add)(left, right)


def _field(base: Any, name: str) -> Any:
    if isinstance(base, Mapping) and name in base:
        return base[name]
    raise Fault(f"没有字段 {name}", f"there is no field {name}")


def _item(base: Any, key: Any) -> Any:
    if isinstance(base, Mapping | list | tuple) and isinstance(key, str | int):
        return base[key]  # type: ignore[index]
    raise Fault("不能按下标取值", "it has no items")


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | tuple | Mapping) and len(value) == 0)


_LAZY: Mapping[str, Callable[[tuple[Any, ...], Mapping[str, Any]], Any]] = {
    "&&": _every,
    "||": _some,
    "?": _choice,
    "list": _item_list,
}
_EAGER: Mapping[str, Callable[..., Any]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "is": _equal,
    "is not": lambda left, right: not _equal(left, right),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "in": _within,
    "not in": lambda left, right: not _within(left, right),
    "+": _add,
    "-": _numeric(operator.sub),
    "*": _numeric(operator.mul),
    "/": _numeric(operator.truediv),
    "%": _numeric(operator.mod),
    "not": operator.not_,
    "negative": lambda value: _numeric(operator.mul)(value, -1),
    "positive": lambda value: _numeric(operator.mul)(value, 1),
    "empty": _empty,
    "field": _field,
    "item": _item,
}
