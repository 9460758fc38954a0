"""The vendored files are byte for byte those of the lock, with their licences and nothing beside them."""

import hashlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VENDOR = ROOT / "api" / "static" / "vendor"
PACKAGES = json.loads((VENDOR / "VENDOR.lock").read_text())["packages"]
FILES = {name: sha for package in PACKAGES for name, sha in package["files"].items()}


@pytest.mark.parametrize("name", sorted(FILES))
def test_file_is_the_locked_one(name: str):
    digest = hashlib.sha256((VENDOR / name).read_bytes()).hexdigest()

    assert digest == FILES[name]


def test_nothing_lies_beside_the_lock():
    found = {p.relative_to(VENDOR).as_posix() for p in VENDOR.rglob("*") if p.is_file()}

    assert found - {"VENDOR.lock"} == set(FILES)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p["name"])
def test_package_names_its_origin_and_licence(package: dict):
    assert package["version"] and package["licence"]
    assert package["integrity"].startswith("sha512-")
    assert f"{package['name']}/LICENSE" in package["files"]


def test_notice_states_the_watermark_clause_and_the_lgpl():
    notice = " ".join((ROOT / "NOTICE").read_text().split())

    assert "the watermark must stay fully visible and not visually overlapped" in notice
    assert "SpiffWorkflow LGPL-3.0-or-later" in notice and "unmodified" in notice
