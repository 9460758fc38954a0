"""XML from strangers: what is read, and what is refused under which name."""

import time

import pytest

from engine import xml

PLAIN = '<a x="1">\n  <b>值</b>\n</a>'


def refused(data: bytes) -> xml.InvalidXML:
    with pytest.raises(xml.InvalidXML) as error:
        xml.read_xml(data)
    return error.value


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        b'<?xml version="1.0" encoding="UTF-8"?>\n' + PLAIN.encode(),
        '<?xml version="1.0" encoding="UTF-16"?>'.encode("utf-16") + PLAIN.encode("utf-16")[2:],
        ('<?xml version="1.0" encoding="GB18030"?>' + PLAIN).encode("gb18030"),
    ],
)
def test_the_usual_encodings_are_read(data):
    root = xml.read_xml(data)

    assert root[0].text == "值"


def test_latin_1_is_read_as_declared():
    root = xml.read_xml('<?xml version="1.0" encoding="ISO-8859-1"?><a n="é"/>'.encode("latin-1"))

    assert root.get("n") == "é"


def test_lines_are_those_of_the_file():
    assert xml.read_xml(b'<?xml version="1.0"\n encoding="utf-8"?>\n<a>\n<b/></a>')[0].sourceline == 4


def test_comments_do_not_count():
    assert len(xml.read_xml(b"<a><!-- <!DOCTYPE x> --><b/></a>")) == 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "xml-malformed"),
        (b"   ", "xml-malformed"),
        (b"not xml", "xml-malformed"),
        (b'{"json": true}', "xml-malformed"),
        (b"<a><b></a>", "xml-malformed"),
        (b"<a>&undefined;</a>", "xml-malformed"),
        (b"<a>\x00</a>", "xml-malformed"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "xml-encoding"),
        (b"<a>\xe9</a>", "xml-encoding"),
        (b'<?xml version="1.0" encoding="UTF-7"?><a/>', "xml-encoding"),
        (b'<?xml version="1.0" encoding="x-unknown"?><a/>', "xml-encoding"),
        (b'<?xml version="1.0" encoding="utf-16"?><a/>', "xml-encoding"),
        (b'<?xml version="1.0" encoding="unicode_escape"?><a/>', "xml-encoding"),
        (b"\xff\xfe<\x00a", "xml-encoding"),
        (b"<!DOCTYPE a><a/>", "xml-doctype"),
        (b"<!-- x -->\n<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "xml-doctype"),
        (b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><a>&e;</a>', "xml-doctype"),
        (b'<!DOCTYPE a SYSTEM "http://example.invalid/a.dtd"><a/>', "xml-doctype"),
        ("<!DOCTYPE a><a/>".encode("utf-16"), "xml-doctype"),
        (b'<?xml-stylesheet href="a.xsl"?><a/>', "xml-processing-instruction"),
        (b"<a><?php echo 1 ?></a>", "xml-processing-instruction"),
        (b"<a/><?after x?>", "xml-processing-instruction"),
        (b"<a>" + b"<b/>" * 10_000 + b"</a>", "xml-too-many-elements"),
        (b"<a>" + b" " * (2 * 1024 * 1024) + b"</a>", "xml-too-large"),
        (b"<a>" * 100 + b"</a>" * 100, "xml-too-deep"),
        (b"<a>" * 30_000 + b"</a>" * 30_000, "xml-too-deep"),
    ],
)
def test_everything_else_is_refused_by_name(data, code):
    error = refused(data)

    assert error.code == code
    assert error.text("en") and error.text("zh") != error.text("en")


def test_billion_laughs_costs_nothing():
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 30))
    started = time.perf_counter()

    assert refused(f'<!DOCTYPE a [<!ENTITY l0 "ha">{laughs}]><a b="&l29;"/>'.encode()).code == "xml-doctype"
    assert time.perf_counter() - started < 1


def test_the_line_of_the_fault_is_told():
    assert refused(b"<a>\n<b>\n</a>").line == 3
    assert refused(b"\n\n<!DOCTYPE a><a/>").line == 3
