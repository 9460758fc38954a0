"""Reads XML that strangers send: bytes in, an lxml root out, and everything dangerous refused by name.

The parser never sees an encoding it did not agree to: the text is decoded here, strictly, and handed on as
UTF-8, so that Python and libxml2 cannot read two different documents from the same bytes.
"""

import codecs
import re
from typing import Any

from lxml import etree

from engine.errors import Invalid

MAX_BYTES = 1024 * 1024
MAX_ELEMENTS = 5_000
MAX_DEPTH = 64
ENCODINGS = frozenset(
    codecs.lookup(name).name
    for name in ("utf-8", "utf-16", "ascii", "iso-8859-1", "windows-1252", "gb2312", "gbk", "gb18030", "big5")
)

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DECLARED = re.compile(rb"\A\s*<\?xml[^>]*?\bencoding\s*=\s*[\"']([A-Za-z][A-Za-z0-9._-]*)[\"']")
_DECLARATION = re.compile(r"\A<\?xml\s.*?\?>", re.S)
_MISC = re.compile(r"\s+|<!--.*?-->|<\?.*?\?>", re.S)


class InvalidXML(Invalid):
    """The file cannot be read as XML."""

    code = "xml-malformed"
    zh = "第 {line} 行:文件不是格式正确的 XML({detail})。"
    en = "Line {line}: the file is not well-formed XML ({detail})."

    def __init__(self, line: int = 1, detail: str = "", **params: Any) -> None:
        self.line = line
        super().__init__(line=line, detail=detail, **params)


class DoctypeRefused(InvalidXML):
    """The file has a DOCTYPE; entities and external files are not read here."""

    code = "xml-doctype"
    zh = "第 {line} 行:文件含有 DOCTYPE 声明;出于安全考虑不接受,请删除该声明。"
    en = "Line {line}: the file has a DOCTYPE; it is refused for safety, delete the declaration."


class InstructionRefused(InvalidXML):
    """The file has a processing instruction."""

    code = "xml-processing-instruction"
    zh = "第 {line} 行:文件含有处理指令 <?{detail}?>;不接受,请删除。"
    en = "Line {line}: the file has a processing instruction <?{detail}?>; delete it."


class BadEncoding(InvalidXML):
    """The bytes do not fit their encoding, or the encoding is not one we read."""

    code = "xml-encoding"
    zh = "第 {line} 行:无法按编码 {detail} 读取文件;请以 UTF-8 保存。"
    en = "Line {line}: the file cannot be read as {detail}; save it as UTF-8."


class XMLTooLarge(InvalidXML):
    """The file is larger than we read."""

    code = "xml-too-large"
    zh = "文件共 {detail} 字节,超过上限 1 MiB。"
    en = "The file has {detail} bytes; the limit is 1 MiB."


class TooManyElements(InvalidXML):
    """The file has more elements than we read."""

    code = "xml-too-many-elements"
    zh = "第 {line} 行:文件共 {detail} 个 XML 元素,超过上限 5000 个。"
    en = "Line {line}: the file has {detail} XML elements; the limit is 5000."


class TooDeep(InvalidXML):
    """The elements are nested deeper than we read."""

    code = "xml-too-deep"
    zh = "第 {line} 行:元素嵌套超过 64 层。"
    en = "Line {line}: elements are nested deeper than 64 levels."


def read_xml(data: bytes) -> Any:
    """The root element of `data` (comments dropped, lines kept as `sourceline`).

    Raises InvalidXML, or the subclass that names what is wrong.
    """
    if len(data) > MAX_BYTES:
        raise XMLTooLarge(detail=str(len(data)))
    text = _decode(data)
    _refuse_doctype(text)
    root = _parse(text)
    _refuse_excess(root)
    _refuse_instructions(root)
    return root


def _decode(data: bytes) -> str:
    encoding = _encoding(data)
    try:
        text = data.decode(encoding)
        text.encode("utf-8")
    except UnicodeError as error:
        line = data[: getattr(error, "start", 0)].count(b"\n") + 1
        raise BadEncoding(line, encoding.removesuffix("-sig")) from error
    return text.removeprefix("\ufeff")


def _encoding(data: bytes) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return encoding
    declared = _DECLARED.match(data)
    if declared is None:
        return "utf-8"
    name = declared[1].decode("ascii")
    try:
        known = codecs.lookup(name).name
    except LookupError as error:
        raise BadEncoding(1, name) from error
    if known not in ENCODINGS or known == "utf-16":
        raise BadEncoding(1, name)
    return known


def _refuse_doctype(text: str) -> None:
    """A DOCTYPE can only stand before the root: skip what else may stand there."""
    position = 0
    while match := _MISC.match(text, position):
        position = match.end()
    if text[position : position + 9].upper() == "<!DOCTYPE":
        raise DoctypeRefused(text.count("\n", 0, position) + 1)


def _parse(text: str) -> Any:
    declaration = _DECLARATION.match(text)
    if declaration:
        text = "\n" * declaration[0].count("\n") + text[declaration.end() :]
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        encoding="utf-8",
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        line = error.lineno or 1
        if "depth" in (error.msg or "").lower():
            raise TooDeep(line) from error
        raise InvalidXML(line, _first_words(error.msg)) from error
    if root is None:
        raise InvalidXML(1, "empty")
    if root.getroottree().docinfo.internalDTD is not None:
        raise DoctypeRefused(1)
    return root


def _first_words(message: str | None) -> str:
    return (message or "syntax error").split(", line ")[0][:200]


def _refuse_excess(root: Any) -> None:
    count = depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        count, depth = count + 1, depth + 1
        if depth > MAX_DEPTH:
            raise TooDeep(element.sourceline)
    if count > MAX_ELEMENTS:
        raise TooManyElements(root.sourceline, str(count))


def _refuse_instructions(root: Any) -> None:
    outside = [*root.itersiblings(preceding=True), *root.itersiblings()]
    for node in [*outside, *root.iter(etree.ProcessingInstruction, etree.Entity)]:
        raise InstructionRefused(node.sourceline or 1, str(getattr(node, "target", node.text))[:80])
