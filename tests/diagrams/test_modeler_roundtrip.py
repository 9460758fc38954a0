"""The vendored modeler opens our diagrams without a warning and saves them back without a change."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
DIAGRAMS = sorted((ROOT / "bpmn").glob("*.bpmn"))
MODELER = ROOT / "api/static/vendor/camunda-bpmn-js/camunda-platform-modeler.production.min.js"
PAGE = """<!doctype html><html lang="zh-CN"><body style="margin:0">
<div id="canvas" style="width:1200px;height:800px"></div></body></html>"""
OPEN_AND_SAVE = """async xml => {
  document.querySelector('#canvas').replaceChildren();
  const modeler = new BpmnModeler({ container: '#canvas' });
  const { warnings } = await modeler.importXML(xml);
  return { warnings: warnings.map(w => w.message), xml: (await modeler.saveXML({ format: true })).xml };
}"""
MARK = """() => {
  const mark = document.querySelector('.bjs-powered-by');
  const box = mark.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const inside = box.x >= 0 && box.y >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;
  return { width: box.width, inside, uncovered: mark.contains(top), href: mark.href };
}"""

each_diagram = pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda p: p.stem)


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Page:
    """A page with the vendored modeler in it and no network."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.route(re.compile("^https?:"), lambda route: pytest.fail(f"asked for {route.request.url}"))
    page.set_content(PAGE)
    page.add_script_tag(content=MODELER.read_text(encoding="utf-8"))
    return page


@each_diagram
def test_modeler_opens_it_without_a_warning(page, diagram: Path):
    opened = page.evaluate(OPEN_AND_SAVE, diagram.read_text(encoding="utf-8"))

    assert opened["warnings"] == []


@each_diagram
def test_modeler_saves_it_back_unchanged(page, diagram: Path):
    saved = page.evaluate(OPEN_AND_SAVE, diagram.read_text(encoding="utf-8"))["xml"]

    assert differences(diagram.read_bytes(), saved.encode()) == []
    assert saved == diagram.read_text(encoding="utf-8")


@each_diagram
def test_the_bpmn_io_mark_stays_visible(page, diagram: Path):
    page.evaluate(OPEN_AND_SAVE, diagram.read_text(encoding="utf-8"))

    mark = page.evaluate(MARK)

    assert mark["width"] > 20
    assert mark["inside"] and mark["uncovered"]
    assert mark["href"].startswith("http") and "bpmn.io" in mark["href"]


def test_a_broken_reference_makes_the_modeler_warn(page):
    broken = DIAGRAMS[0].read_text(encoding="utf-8").replace('targetRef="H_end"', 'targetRef="nowhere"', 1)

    opened = page.evaluate(OPEN_AND_SAVE, broken)

    assert opened["warnings"] != []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (('name="已接收?"', 'name="收到?"'), "G_acked"),
        (("${ack_due}", "${update_due}"), "B_ack_timeout"),
        (('camunda:topic="notify"', 'camunda:topic="act"'), "H_notify"),
        (('<dc:Bounds x="350"', '<dc:Bounds x="360"'), "H_register_di"),
    ],
)
def test_the_difference_names_what_changed(change: tuple[str, str], place: str):
    before = (ROOT / "bpmn" / "escalation.bpmn").read_text(encoding="utf-8")
    assert change[0] in before

    found = differences(before.encode(), before.replace(*change, 1).encode())

    assert len(found) == 1 and place in found[0]


def differences(before: bytes, after: bytes) -> list[str]:
    """What two BPMN files mean differently: elements, attributes, texts and drawing; not layout of XML."""
    return list(_compare(etree.fromstring(before), etree.fromstring(after), ""))


def _compare(one: etree._Element, other: etree._Element, path: str) -> Iterator[str]:
    here = f"{path}/{one.get('id') or etree.QName(one).localname}"
    if one.tag != other.tag:
        yield f"{here}: {one.tag} became {other.tag}"
        return
    if dict(one.attrib) != dict(other.attrib):
        yield f"{here}: {dict(one.attrib)} became {dict(other.attrib)}"
    if (one.text or "").strip() != (other.text or "").strip():
        yield f"{here}: text {one.text!r} became {other.text!r}"
    if len(one) != len(other):
        yield f"{here}: {len(one)} children became {len(other)}"
    for child, counterpart in zip(one, other, strict=False):
        yield from _compare(child, counterpart, here)
