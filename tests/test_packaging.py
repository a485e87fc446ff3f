"""The wheel holds graphc and nothing else, comes out of the sdist too, and importing graphc is light."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
on_one_worker = pytest.mark.xdist_group("wheel")
"""For tests of the wheel: it is built once."""

HEAVY = ("networkx", "scipy", "sklearn", "torch", "jax", "rich", "mpmath", "matplotlib")


def run(*command: str, cwd: Path = ROOT) -> str:
    """Run a command in a process of its own and return what it prints.  Raises AssertionError with its errors."""
    found = subprocess.run([sys.executable, *command], cwd=cwd, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of what a clone has, so that building leaves no traces in it and workers do not meet."""
    folder = tmp_path_factory.mktemp("clone") / "graphc"
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    found = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_symlink() or p.is_file()]
    names = listed.stdout.splitlines() if listed.returncode == 0 else found
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_symlink():
            target.symlink_to((ROOT / name).readlink())
        elif (ROOT / name).exists():
            target.write_bytes((ROOT / name).read_bytes())
    return folder


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    """The wheel built from the sdist that is built from the clone."""
    out = tmp_path_factory.mktemp("dist")
    build(source, out, "sdist")
    (sdist,) = out.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(out / "unpacked", filter="data")
    (unpacked,) = (out / "unpacked").iterdir()
    build(unpacked, out, "wheel")
    (found,) = out.glob("*.whl")
    return found


def build(source: Path, out: Path, what: str) -> None:
    """Call the build backend as pip does, without an isolated environment."""
    run("-c", f"import setuptools.build_meta as b; b.build_{what}({str(out)!r})", cwd=source)


@on_one_worker
def test_wheel_is_pure_python_and_holds_graphc_alone(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {n.split("/")[0] for n in names}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"graphc"} and len(tops) == 2


@on_one_worker
def test_wheel_holds_every_module_and_the_data(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {"graphc/py.typed", "graphc/cli/digits.npz", "graphc/cli/DIGITS.md"}
    expected |= {f"graphc/{folder}/{p.name}" for folder in ("ir", "codegen") for p in (ROOT / folder).glob("*.py")}
    expected |= {str(p.relative_to(ROOT)) for kind in ("*.py", "*.pyi") for p in (ROOT / "graphc").rglob(kind)}
    assert expected <= names
    assert not [n for n in names if "test" in n or "__pycache__" in n or "benchmark" in n]


@on_one_worker
def test_wheel_carries_licence_readme_and_command(wheel):
    with zipfile.ZipFile(wheel) as archive:
        info = next(n.split("/")[0] for n in archive.namelist() if ".dist-info/" in n)
        metadata = archive.read(f"{info}/METADATA").decode()
        assert "graphc = graphc.__main__:main" in archive.read(f"{info}/entry_points.txt").decode()
        assert any(n.endswith("LICENSE") for n in archive.namelist())
    assert "Requires-Python: >=3.10" in metadata and "# graphc" in metadata
    assert "Requires-Dist: llvmlite" in metadata


@on_one_worker
def test_wheel_runs_where_nothing_else_of_the_clone_is(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "import graphc, numpy as np; print(graphc.__file__); print(graphc.compile(lambda x: x * 2 + 1)(np.arange(3.0)))"
    file, values = run("-c", code, cwd=tmp_path).splitlines()
    assert Path(file).is_relative_to(tmp_path.resolve()) or Path(file).is_relative_to(tmp_path)
    assert values == "[1. 3. 5.]"


def test_editable_install_finds_all_three_packages(source, tmp_path):
    run("-c", f"import setuptools.build_meta as b; b.build_editable({str(tmp_path)!r})", cwd=source)
    (editable,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(editable).extractall(tmp_path / "site")
    # Without `site`: where the tests run from an editable install themselves, its finder would come first.
    packages = [p for p in sys.path if p.endswith(("site-packages", "dist-packages"))]
    code = (
        f"import site, sys; site.addsitedir({str(tmp_path / 'site')!r}); sys.path += {packages!r}\n"
        "import graphc.codegen.runtime.engine as j, graphc.ir.core.graph as g, graphc\n"
        "print(j.__file__, g.__file__, graphc.__file__)"
    )
    for file in run("-I", "-S", "-c", code, cwd=tmp_path).split():
        assert Path(file).is_relative_to(source)


def test_the_links_are_relative():
    for name in ("ir", "codegen"):
        link = ROOT / "graphc" / name
        assert link.is_symlink() and str(link.readlink()) == f"../{name}"


@on_one_worker
def test_three_packages_are_needed_to_run(wheel):
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(next(n for n in archive.namelist() if n.endswith("/METADATA"))).decode()
    requires = [line for line in metadata.splitlines() if line.startswith("Requires-Dist: ")]
    needed = [line.split()[1] for line in requires if "extra ==" not in line]
    assert {re.match("[a-z]+", n).group() for n in needed} == {"llvmlite", "networkx", "numpy"}
    assert all("<" in n for n in needed if n.startswith("llvmlite"))


def test_import_is_light():
    loaded = set(run("-c", "import sys, graphc; print(*sys.modules)").split())
    assert "graphc" in loaded and not loaded & set(HEAVY)
