"""What lint says: one rule, one sentence in Chinese and in English, with the element and the line."""

from dataclasses import dataclass
from typing import Any, Literal

from .sentences import SENTENCES, WARNINGS

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One fault of one element; `zh` and `en` are full sentences that name the element and its line."""

    rule: str
    severity: Severity
    file: str
    element_id: str
    element_name: str
    line: int
    zh: str
    en: str

    def text(self, lang: str) -> str:
        """The sentence; `lang` is "zh" or "en"."""
        return self.zh if lang == "zh" else self.en


def finding(rule: str, file: str, element: Any = None, **params: Any) -> Finding:
    """The finding of `rule` at `element` (a file as a whole without one); `params` fill its sentence."""
    severity: Severity = "warning" if rule in WARNINGS else "error"
    element_id = "" if element is None else element.get("id") or ""
    name = "" if element is None else " ".join((element.get("name") or "").split())
    line = 1 if element is None else element.sourceline or 1
    shown = name or element_id or (file if element is None else element.tag.rpartition("}")[2])
    zh, en = SENTENCES[rule]
    return Finding(
        rule=rule,
        severity=severity,
        file=file,
        element_id=element_id,
        element_name=name,
        line=line,
        zh=f"「{shown}」({element_id or file},第 {line} 行):{zh.format_map(params)}。",
        en=f"“{shown}” ({element_id or file}, line {line}): {en.format_map(params)}.",
    )
