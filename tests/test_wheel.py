"""What is shipped: the wheel is built, installed into an empty environment, and works from there, offline.

The empty environment borrows its dependencies from the running one by a path file, so nothing is downloaded;
our own packages come from the wheel alone.
"""

import json
import os
import signal
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.api.test_serve import ask, free_port

ROOT = Path(__file__).parents[1]
SHIPPED = {
    "bpmn": ("*.bpmn", "*.form"),
    "handlers/data": ("*.toml",),
    "api/demo": ("*.toml",),
    "api/templates": ("**/*.html",),
    "api/static": ("**/*",),
    "api/migrations": ("**/*.py", "*.mako"),
    "docs/pictures": ("*",),
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the pinned backend that is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--quiet"]
    _run([sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", folder, ROOT], ROOT)
    (built,) = folder.glob("*.whl")
    return Path(built)


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has the wheel, and beside it the dependencies only."""
    folder = tmp_path_factory.mktemp("empty")
    _run([sys.executable, "-m", "venv", "--without-pip", folder], folder)
    interpreter = folder / "bin" / "python"
    # A folder named in a path file is searched, but its own path files (our editable install) are not read.
    _packages(interpreter).joinpath("borrowed.pth").write_text(sysconfig.get_path("purelib"))
    install = ["-m", "pip", "--python", interpreter, "install", "--no-deps", "--no-index", "--quiet"]
    _run([sys.executable, *install, "--ignore-installed", wheel], folder)
    return interpreter


def test_one_name_is_added_to_site_packages(python: Path) -> None:
    added = {path.name for path in _packages(python).iterdir()} - {"borrowed.pth", "__pycache__"}

    assert added == {"flow200", "flow200-0.1.0.dist-info"}
    assert (python.parent / "flow200").is_file()


def test_everything_that_is_read_at_run_time_is_inside(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())

    for folder, patterns in SHIPPED.items():
        files = [path for pattern in patterns for path in (ROOT / folder).glob(pattern) if path.is_file()]
        wanted = {f"flow200/app/{p.relative_to(ROOT)}" for p in files if "__pycache__" not in p.parts}
        assert wanted, folder
        assert wanted - packed == set()


def test_nothing_else_is_inside(wheel: Path) -> None:
    packed = zipfile.ZipFile(wheel).namelist()

    folders = {"/".join(name.split("/")[:3]) for name in packed if name.startswith("flow200/app/")}
    assert folders == {f"flow200/app/{name}" for name in ("engine", "handlers", "api", "bpmn", "docs")}
    assert [name for name in packed if "__pycache__" in name or "/tests/" in name] == []


def test_it_serves_and_gunicorn_serves_what_it_made(python: Path, tmp_path: Path) -> None:
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "FLOW200_"))},
        "FLOW200_DATABASE_URL": f"sqlite:///{tmp_path / 'flow200.db'}",
        "FLOW200_PORT": str(port),
        "HOME": str(tmp_path),
    }

    where = _run([python, "-c", "import flow200, api; print(api.__file__)"], tmp_path, environment)
    with _running([python.parent / "flow200", "serve"], tmp_path, environment):
        served = ask(port, "/api/v1/health")
        described = ask(port, "/api/v1/openapi.json")
    doctor = json.loads(_run([python.parent / "flow200", "doctor", "--json"], tmp_path, environment))
    gunicorn = [python, "-m", "gunicorn", "flow200:create_app()", "--bind", f"127.0.0.1:{port}"]
    with _running(gunicorn, tmp_path, environment):
        again = ask(port, "/api/v1/health")

    assert Path(where.strip()) == _packages(python) / "flow200" / "app" / "api" / "__init__.py"
    assert served["status"] == again["status"] == "ok"
    assert "/api/v1/tasks" in described["paths"]
    assert doctor["database"].startswith("answers")


@contextmanager
def _running(command: list, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """The command while the block runs; it must stop cleanly when it is told to."""
    said = folder / "said.txt"
    with said.open("w") as out:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert code == 0, said.read_text()


def _packages(interpreter: Path) -> Path:
    return next(interpreter.parents[1].glob("lib/python*/site-packages"))


def _run(command: list, folder: Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
