"""The grammar of expressions: text to a small tree, by precedence climbing, with every size bounded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_NODES = 200
MAX_DEPTH = 40
MAX_NUMBER = 10**15

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
_CHAINABLE = frozenset({"<", "<=", ">", ">="})
INPUT = "?"


class Fault(Exception):
    """Why a part cannot be read or evaluated; the expression around it adds its text."""

    def __init__(self, zh: str, en: str, name: str | None = None) -> None:
        super().__init__(en)
        self.zh, self.en, self.name = zh, en, name


@dataclass(frozen=True, slots=True)
class Constant:
    value: Any


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """`sign` applied to `parts`; a chained comparison is the conjunction of its steps."""

    sign: str
    parts: tuple[Any, ...]


Node = Constant | Name | Operation


class Parser:
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
        value = Name(INPUT)
        for sign in ("<", "<=", ">", ">=", "==", "!=", "="):
            if self.take(sign):
                return self.node(
                    Operation("==" if sign == "=" else sign, (value, self.expression(_COMPARISON + 1)))
                )
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
            raise Fault("区间没有写完", "the range is not closed")
        upper = "<=" if close == "]" else "<"
        ends = (Operation(lower, (value, start)), Operation(upper, (value, stop)))
        return self.node(Operation("&&", ends))

    def expression(self, minimum: int = 1) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Fault("嵌套过深", "it is nested too deeply")
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
            raise Fault("不支持乘方", "powers are not allowed")
        if kind == "sign" and text == "=":
            raise Fault("比较请写 ==", "write == to compare")
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
        raise Fault("表达式不完整", "it is incomplete") if kind == "end" else _unexpected(text)

    def signed(self, text: str) -> Node:
        if text in ("!", "-", "+"):
            return self.node(
                Operation({"!": "not", "-": "negative", "+": "positive"}[text], (self.expression(8),))
            )
        if text == "(":
            inner = self.expression()
            self.expect(")")
            return self.after_name(inner)
        if text == "[":
            return self.after_name(self.items())
        if text == "?":
            return self.node(Name(INPUT))
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
            raise Fault(f"不允许使用名称 {text}", f"the name {text} is not allowed")
        self.names.add(text)
        return self.node(Name(text))

    def after_name(self, left: Node) -> Node:
        while True:
            if self.peek() == ("sign", "("):
                raise Fault("不允许调用函数", "calls are not allowed")
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
            raise Fault(f"不允许使用名称 {text}", f"the name {text} is not allowed")
        return text

    def node(self, made: Node) -> Node:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise Fault("表达式过于复杂", "it is too complex")
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
            raise Fault("表达式不完整", "it is incomplete") if kind == "end" else _unexpected(found)
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


def _unexpected(text: str) -> Fault:
    if text and text in "“”‘’=()!,<>":
        return Fault(
            f"含有全角符号「{text}」,请改用半角", f"“{text}” is a full-width sign; type it half-width"
        )
    return Fault(f"不应出现「{text}」", f"“{text}” is not expected here")


def _number(text: str) -> int | float:
    if len(text) > 30:
        raise Fault("数字过长", "the number is too long")
    value = float(text) if set(text) & set(".eE") else int(text)
    if abs(value) > MAX_NUMBER:
        raise Fault("数字过大", "the number is too large")
    return value


def _string(text: str) -> str:
    return re.sub(
        r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), text[1:-1], flags=re.S
    )


def _mentions_input(tree: Node) -> bool:
    if isinstance(tree, Operation):
        return any(map(_mentions_input, tree.parts))
    return tree == Name(INPUT)
