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

MAX_LENGTH = 1_000
MAX_NODES = 200
MAX_DEPTH = 40
MAX_NUMBER = 10**15
MAX_TEXT = 10_000

_WRAPPED = re.compile(r"[$#]\{(.*)\}", re.S)
_ISO = re.compile(
    r"(R\d*/)?P(?=[\dT])(\d+([.,]\d+)?[YMWD])*(T(\d+([.,]\d+)?[HMS])+)?"
    r"|\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?"
)
_TOKEN = re.compile(
    r"\s*(?:(?P<range>\.\.)|(?P<number>\d+(?:\.(?!\.)\d*)?(?:[eE][+-]?\d+)?(?![\w.](?!\.)))"
    r"|(?P<string>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<name>[^\W\d]\w*)|(?P<sign>&&|\|\||[=!<>]=|\*\*|[-+*/%<>!=?:.,()\[\]])|(?P<end>\Z))",
    re.S,
)
_CONSTANTS: Mapping[str, Any] = {
    "true": True, "false": False, "null": None, "True": True, "False": False, "None": None,
}  # fmt: skip
_WORDS = {
    "and": "&&", "or": "||", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
    "div": "/", "mod": "%",
}  # fmt: skip
_RESERVED = frozenset({*_WORDS, *_CONSTANTS, "not", "in", "is", "empty", "if", "else", "for", "lambda"})
_PRECEDENCE = {
    "?": 1, "||": 2, "&&": 3, "==": 5, "!=": 5, "<": 5, "<=": 5, ">": 5, ">=": 5, "in": 5, "not in": 5,
    "is": 5, "is not": 5, "+": 6, "-": 6, "*": 7, "/": 7, "%": 7,
}  # fmt: skip
_COMPARISON = 5
_INPUT = "?"


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


class _Fault(Exception):
    """Why a part cannot be read or evaluated; the expression around it adds its text."""

    def __init__(self, zh: str, en: str, name: str | None = None) -> None:
        super().__init__(en)
        self.zh, self.en, self.name = zh, en, name

    def about(self, text: str) -> ExpressionError:
        return UnknownName(text, self.name) if self.name else ExpressionError(text, self.zh, self.en)


@dataclass(frozen=True, slots=True)
class Constant:
    value: Any


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """`sign` applied to `parts`; a chained comparison keeps its signs in `sign`, separated by spaces."""

    sign: str
    parts: tuple[Any, ...]


Node = Constant | Name | Operation


@dataclass(frozen=True)
class Expression:
    """A compiled expression. `names` are the variables it reads; `tree` is for those who reason about it."""

    text: str
    tree: Node
    names: frozenset[str] = field(default=frozenset())

    def evaluate(self, context: Mapping[str, Any]) -> Any:
        """The value with the variables of `context`; raises ExpressionError (UnknownName for a missing one)."""
        try:
            return _evaluate(self.tree, context)
        except _Fault as fault:
            raise fault.about(self.text) from fault
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
        return bool(self.expression.evaluate({**(context or {}), _INPUT: value}))


@lru_cache(4096)
def compile_expression(text: str) -> Expression:
    """The expression in `text`, as typed into a modeler; raises ExpressionError."""
    return _compile(text, _body(text), _Parser.whole)


@lru_cache(4096)
def compile_unary(text: str) -> UnaryTests:
    """S-FEEL unary tests: `-`, `"a","b"`, `not("a")`, `[1..5]`, `< 3`, `? in ["a"]`; raises ExpressionError."""
    body = text.strip() if isinstance(text, str) else text
    if body in ("", "-"):
        return UnaryTests(text, Expression(text, Constant(True)))
    return UnaryTests(text, _compile(text, body, _Parser.unary_tests))


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


def _compile(text: str, body: str, rule: Callable[["_Parser"], Node]) -> Expression:
    _refuse_length(text)
    try:
        parser = _Parser(body)
        tree = rule(parser)
    except _Fault as fault:
        raise fault.about(text) from fault
    except RecursionError as error:
        raise ExpressionError(text, "嵌套过深", "it is nested too deeply") from error
    return Expression(text, tree, frozenset(parser.names))


def _refuse_length(text: str) -> None:
    if not isinstance(text, str):
        raise ExpressionError(str(type(text)), "表达式必须是文字", "an expression must be text")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(text, f"长度超过 {MAX_LENGTH} 个字符", f"it is longer than {MAX_LENGTH} characters")


def _body(text: str) -> str:
    _refuse_length(text)
    stripped = text.strip()
    if _ISO.fullmatch(stripped):
        return f"'{stripped}'"
    wrapped = _WRAPPED.fullmatch(stripped)
    body = wrapped[1] if wrapped else stripped.removeprefix("=")
    inner = body.strip()
    return f"'{inner}'" if _ISO.fullmatch(inner) else inner


class _Parser:
    """Reads one expression by precedence climbing; every node and every level is counted."""

    def __init__(self, body: str) -> None:
        self.tokens = _tokens(body)
        self.position = 0
        self.nodes = 0
        self.depth = 0
        self.names: set[str] = set()

    def whole(self) -> Node:
        tree = self.expression()
        self.expect("")
        return tree

    def unary_tests(self) -> Node:
        if self.tokens[self.position : self.position + 2] == [("word", "not"), ("sign", "(")]:
            self.position += 2
            tests = self.tests()
            self.expect(")")
            self.expect("")
            return self.node(Operation("not", (tests,)))
        tests = self.tests()
        self.expect("")
        return tests

    def tests(self) -> Node:
        found = [self.test()]
        while self.take(","):
            found.append(self.test())
        return found[0] if len(found) == 1 else self.node(Operation("||", tuple(found)))

    def test(self) -> Node:
        value = Name(_INPUT)
        for sign in ("<", "<=", ">", ">=", "==", "!=", "="):
            if self.take(sign):
                return self.node(Operation("==" if sign == "=" else sign, (value, self.expression(_COMPARISON + 1))))
        if self.peek() in (("sign", "["), ("sign", "("), ("sign", "]")) and self.is_range():
            return self.range(value)
        tree = self.expression()
        asks_itself = _mentions_input(tree)
        return tree if asks_itself else self.node(Operation("==", (value, tree)))

    def is_range(self) -> bool:
        level = 0
        for kind, text in self.tokens[self.position + 1 :]:
            if kind == "range" and level == 0:
                return True
            level += {"(": 1, ")": -1}.get(text, 0) if kind == "sign" else 0
            if level < 0:
                return False
        return False

    def range(self, value: Node) -> Node:
        lower = ">=" if self.advance() == "[" else ">"
        start = self.expression(_COMPARISON + 1)
        self.expect("..")
        stop = self.expression(_COMPARISON + 1)
        close = self.advance()
        if close not in ("]", ")", "["):
            raise _Fault("区间没有写完", "the range is not closed")
        upper = "<=" if close == "]" else "<"
        ends = (Operation(lower, (value, start)), Operation(upper, (value, stop)))
        return self.node(Operation("&&", ends))

    def expression(self, minimum: int = 1) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Fault("嵌套过深", "it is nested too deeply")
        left = self.operand()
        while (sign := self.infix()) and _PRECEDENCE[sign] >= minimum:
            left = self.continued(left, sign)
        self.depth -= 1
        return left

    def continued(self, left: Node, sign: str) -> Node:
        self.position += len(sign.split())
        if sign == "?":
            chosen = self.expression()
            self.expect(":")
            return self.node(Operation("?", (left, chosen, self.expression())))
        right = self.expression(_PRECEDENCE[sign] + 1)
        if _PRECEDENCE[sign] == _COMPARISON and isinstance(left, Operation) and left.sign in _CHAINABLE:
            again = Operation(sign, (left.parts[-1], right))
            return self.node(Operation("&&", (left, again)))
        return self.node(Operation(sign, (left, right)))

    def infix(self) -> str | None:
        kind, text = self.peek()
        if kind == "word" and text in ("not", "in", "is"):
            following = self.tokens[self.position + 1][1]
            if text == "not":
                return "not in" if following == "in" else None
            return "is not" if text == "is" and following == "not" else text
        if kind == "sign" and text == "**":
            raise _Fault("不支持乘方", "powers are not allowed")
        if kind == "sign" and text == "=":
            raise _Fault("比较请写 ==", "write == to compare")
        return text if kind == "sign" and text in _PRECEDENCE else None

    def operand(self) -> Node:
        kind, text = self.peek()
        self.position += 1
        if kind in ("number", "string"):
            return self.node(Constant(_number(text) if kind == "number" else _string(text)))
        if kind == "name":
            return self.after_name(self.named(text))
        if kind == "word" and text in _CONSTANTS:
            return self.node(Constant(_CONSTANTS[text]))
        if kind == "word" and text in ("not", "empty"):
            return self.node(Operation(text, (self.expression(_COMPARISON if text == "not" else 8),)))
        if kind == "sign":
            return self.signed(text)
        raise _Fault("表达式不完整", "it is incomplete") if kind == "end" else _unexpected(text)

    def signed(self, text: str) -> Node:
        if text in ("!", "-", "+"):
            return self.node(Operation({"!": "not", "-": "negative", "+": "positive"}[text], (self.expression(8),)))
        if text == "(":
            inner = self.expression()
            self.expect(")")
            return self.after_name(inner)
        if text == "[":
            return self.after_name(self.items())
        if text == "?":
            return self.node(Name(_INPUT))
        raise _unexpected(text)

    def items(self) -> Node:
        found: list[Node] = []
        while not self.take("]"):
            if found:
                self.expect(",")
            found.append(self.expression())
        return self.node(Operation("list", tuple(found)))

    def named(self, text: str) -> Node:
        if text.startswith("_"):
            raise _Fault(f"不允许使用名称 {text}", f"the name {text} is not allowed")
        self.names.add(text)
        return self.node(Name(text))

    def after_name(self, left: Node) -> Node:
        while True:
            if self.peek() == ("sign", "("):
                raise _Fault("不允许调用函数", "calls are not allowed")
            if self.take("."):
                left = self.node(Operation("field", (left, Constant(self.field_name()))))
            elif self.peek() == ("sign", "[") and self.take("["):
                left = self.node(Operation("item", (left, self.expression())))
                self.expect("]")
            else:
                return left

    def field_name(self) -> str:
        kind, text = self.peek()
        self.position += 1
        if kind not in ("name", "word") or text.startswith("_"):
            raise _Fault(f"不允许使用名称 {text}", f"the name {text} is not allowed")
        return text

    def node(self, made: Node) -> Node:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _Fault("表达式过于复杂", "it is too complex")
        return made

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.position]

    def advance(self) -> str:
        self.position += 1
        return self.tokens[self.position - 1][1]

    def take(self, text: str) -> bool:
        if self.peek()[0] in ("sign", "range") and self.peek()[1] == text:
            self.position += 1
            return True
        return False

    def expect(self, text: str) -> None:
        kind, found = self.peek()
        if found != text or kind in ("string", "name"):
            raise _Fault("表达式不完整", "it is incomplete") if kind == "end" else _unexpected(found)
        self.position += 1


def _tokens(body: str) -> list[tuple[str, str]]:
    found, position = [], 0
    while True:
        match = _TOKEN.match(body, position)
        if match is None:
            raise _unexpected(body[position:].strip()[:1])
        kind, position = match.lastgroup or "end", match.end()
        text = match[kind]
        if kind == "name" and text in _RESERVED:
            kind, text = ("sign", _WORDS[text]) if text in _WORDS else ("word", text)
        found.append((kind, text))
        if kind == "end":
            return [*found, ("end", "")]


def _unexpected(text: str) -> _Fault:
    if text and text in "“”‘’=()!,<>":
        return _Fault(f"含有全角符号「{text}」,请改用半角", f"“{text}” is a full-width sign; type it half-width")
    return _Fault(f"不应出现「{text}」", f"“{text}” is not expected here")


def _number(text: str) -> int | float:
    if len(text) > 30:
        raise _Fault("数字过长", "the number is too long")
    value = float(text) if set(text) & set(".eE") else int(text)
    if abs(value) > MAX_NUMBER:
        raise _Fault("数字过大", "the number is too large")
    return value


def _string(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), text[1:-1], flags=re.S)


def _mentions_input(tree: Node) -> bool:
    if isinstance(tree, Operation):
        return any(map(_mentions_input, tree.parts))
    return tree == Name(_INPUT)


def _evaluate(tree: Node, context: Mapping[str, Any]) -> Any:
    if isinstance(tree, Constant):
        return tree.value
    if isinstance(tree, Name):
        if tree.name in context:
            return context[tree.name]
        raise _Fault("", "", tree.name)
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
            raise _Fault("两边的值不能比较大小", "the two values have no order")
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
            raise _Fault("文字中只能查找文字", "only text can be found in text")
        return left in right
    if isinstance(right, list | tuple | set | frozenset | Mapping):
        return any(_equal(left, item) for item in right)
    raise _Fault("in 的右边不是列表", "the right side of in is not a list")


def _numeric(calculate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def numeric(left: Any, right: Any) -> Any:
        for value in (left, right):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise _Fault("只能对数字进行计算", "only numbers can be calculated")
            if not abs(value) <= MAX_NUMBER:
                raise _Fault("数字过大", "the number is too large")
        if calculate in (operator.truediv, operator.mod) and right == 0:
            raise _Fault("除数为零", "division by zero")
        return calculate(left, right)

    return numeric


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > MAX_TEXT:
            raise _Fault("文字过长", "the text is too long")
        return left + right
    return _numeric(operator.add)(left, right)


def _field(base: Any, name: str) -> Any:
    if isinstance(base, Mapping) and name in base:
        return base[name]
    raise _Fault(f"没有字段 {name}", f"there is no field {name}")


def _item(base: Any, key: Any) -> Any:
    if isinstance(base, Mapping | list | tuple) and isinstance(key, str | int):
        return base[key]  # type: ignore[index]
    raise _Fault("不能按下标取值", "it has no items")


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
_CHAINABLE = frozenset({"<", "<=", ">", ">="})
