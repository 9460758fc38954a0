"""The pictures in docs/pictures show what the diagrams say; `python docs/render.py` draws them anew."""

from pathlib import Path

import pytest
from lxml import etree

from docs.render import mark, marked, with_numbered_markers

ROOT = Path(__file__).parents[2]
DIAGRAMS = sorted((ROOT / "bpmn").glob("*.bpmn"))
PICTURES = ROOT / "docs" / "pictures"


@pytest.mark.parametrize("form", ["svg", "png"])
@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda p: p.stem)
def test_picture_was_drawn_from_the_diagram_as_it_is_now(diagram: Path, form: str):
    picture = (PICTURES / f"{diagram.stem}.{form}").read_bytes()

    assert mark(diagram.read_bytes()).encode() in picture, "stale: run python docs/render.py"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("${ack_due}", "${update_due}"),
        ('name="已接收?"', 'name="收到?"'),
        ('<dc:Bounds x="350"', '<dc:Bounds x="360"'),
        ('camunda:topic="notify"', 'camunda:topic="act"'),
    ],
)
def test_a_changed_diagram_makes_its_picture_stale(old: str, new: str):
    diagram = (ROOT / "bpmn" / "escalation.bpmn").read_text(encoding="utf-8")
    assert old in diagram

    assert mark(diagram.replace(old, new, 1).encode()) != mark(diagram.encode())


def test_the_layout_of_the_xml_does_not_make_a_picture_stale():
    diagram = (ROOT / "bpmn" / "escalation.bpmn").read_bytes()

    assert mark(diagram.replace(b"\n", b"\r\n  ")) == mark(diagram)


def test_a_mark_leaves_the_png_readable():
    png = (PICTURES / "escalation.png").read_bytes()

    again = marked(png, "drawn from somewhere")

    assert again.startswith(png[:-12]) and again.endswith(png[-12:])
    assert b"tEXtSource\0drawn from somewhere" in again


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda p: p.stem)
def test_picture_shows_every_element_under_its_name(diagram: Path):
    picture = etree.fromstring((PICTURES / f"{diagram.stem}.svg").read_bytes())
    model = etree.parse(diagram)

    shown = {g.get("data-element-id"): g for g in picture.iterfind(".//*[@data-element-id]")}

    for id in model.xpath("//@bpmnElement[not(starts-with(., 'Collaboration_'))]"):
        name = model.xpath("string(//*[@id=$id]/@name)", id=id)
        drawn = shown.get(f"{id}_label", shown[id])
        assert "".join(drawn.itertext()).replace(" ", "") == name.replace(" ", ""), id


def test_same_diagram_gives_the_same_svg():
    def svg(mark: str) -> str:
        return f'<marker viewBox="0 0 20 20" id="{mark}"/><path marker-end="url(#{mark})"/>'

    assert with_numbered_markers(svg("marker-1k3x")) == with_numbered_markers(svg("marker-99zq"))
