"""The pictures in docs/pictures show what the diagrams say; `python docs/render.py` draws them anew."""

from pathlib import Path

import pytest
from lxml import etree

from docs.render import with_numbered_markers

ROOT = Path(__file__).parents[2]
DIAGRAMS = sorted((ROOT / "bpmn").glob("*.bpmn"))


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda p: p.stem)
def test_picture_shows_every_element_under_its_name(diagram: Path):
    picture = etree.fromstring((ROOT / "docs" / "pictures" / f"{diagram.stem}.svg").read_bytes())
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
