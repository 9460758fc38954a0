"""Draws every diagram of bpmn/ into docs/pictures/: `python docs/render.py`.

The vendored viewer draws in a headless Chromium (`CHROMIUM` names another one than the system's);
nothing is fetched. Random marker ids are numbered, so the same diagram gives the same SVG. Each picture
carries the mark of the diagram it was drawn from, so that a stale one is noticed. Without a
CJK font on the machine the PNG shows boxes: install fonts-noto-cjk first.
"""

import hashlib
import os
import re
import zlib
from pathlib import Path

from lxml import etree
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
VIEWER = ROOT / "api/static/vendor/camunda-bpmn-js/camunda-platform-navigated-viewer.production.min.js"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FONTS = '"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif'
PAGE = '<!doctype html><html lang="zh-CN"><body style="margin:0">{}</body></html>'
DRAW = """async ([xml, fontFamily]) => {
  const viewer = new BpmnNavigatedViewer({
    container: '#canvas', textRenderer: { defaultStyle: { fontFamily }, externalStyle: { fontFamily } },
  });
  await viewer.importXML(xml);
  return (await viewer.saveSVG()).svg;
}"""


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox"])
        for diagram in sorted((ROOT / "bpmn").glob("*.bpmn")):
            svg = draw(browser, diagram.read_text(encoding="utf-8"))
            drawn_from = mark(diagram.read_bytes())
            (PICTURES / f"{diagram.stem}.svg").write_text(f"{svg}\n<!-- {drawn_from} -->\n", encoding="utf-8")
            (PICTURES / f"{diagram.stem}.png").write_bytes(marked(shoot(browser, svg), drawn_from))
            print(f"docs/pictures/{diagram.stem}.svg .png")
        browser.close()


def mark(diagram: bytes) -> str:
    """What the diagram says and how it is placed, as a hash; how its XML is laid out does not count."""
    canonical = etree.canonicalize(etree.fromstring(diagram), strip_text=True)
    return f"drawn from sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def marked(png: bytes, text: str) -> bytes:
    """The PNG with a text chunk before its last chunk, which is always the 12 bytes of IEND."""
    body = b"tEXt" + b"Source\0" + text.encode("ascii")
    chunk = (len(body) - 4).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)
    return png[:-12] + chunk + png[-12:]


def draw(browser: Browser, xml: str) -> str:
    """The diagram as SVG text, equal for equal diagrams on one machine."""
    page = browser.new_page()
    page.set_content(PAGE.format('<div id="canvas" style="width:1200px;height:800px"></div>'))
    page.add_script_tag(content=VIEWER.read_text(encoding="utf-8"))
    svg = page.evaluate(DRAW, [xml, FONTS])
    page.close()
    return with_numbered_markers(svg)


def with_numbered_markers(svg: str) -> str:
    names = dict.fromkeys(re.findall(r'<marker[^>]* id="([^"]+)"', svg))
    for number, name in enumerate(names, 1):
        svg = svg.replace(name, f"marker-{number}")
    return svg


def shoot(browser: Browser, svg: str) -> bytes:
    """The SVG as PNG on white, one pixel for one unit."""
    drawing = svg[svg.index("<svg") :]
    size = re.search(r'width="([\d.]+)" height="([\d.]+)"', drawing)
    assert size, "the viewer wrote no size"
    page = browser.new_page(viewport={"width": int(float(size[1])), "height": int(float(size[2]))})
    page.set_content(PAGE.format(drawing))
    png = page.screenshot()
    page.close()
    return png


if __name__ == "__main__":
    main()
