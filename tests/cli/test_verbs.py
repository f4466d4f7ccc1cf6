"""The command line as a whole: help, version, assets, demo."""

import os
import subprocess
import sys

from _process import poseterior
from PIL import Image

import poseterior as package


def test_help_names_the_verbs_and_the_exit_codes():
    done = poseterior("--help")
    assert done.returncode == 0
    for word in ("lift", "demo", "assets", "Exit codes"):
        assert word in done.stdout


def test_version():
    assert poseterior("--version").stdout == f"poseterior {package.__version__}\n"


def test_import_and_help_load_no_heavy_library():
    script = (
        "import sys, poseterior, poseterior.cli as cli\n"
        "try: cli.run(['lift', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'onnxruntime', 'ai_edge_litert', 'matplotlib', 'av', 'PIL', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_lifting_never_loads_torch(asset, tmp_path):
    script = (
        "import sys, poseterior.cli as cli\n"
        f"code = cli.run(['lift', {str(asset('astronaut.png'))!r}, '--samples', '3', '--out', {str(tmp_path)!r}])\n"
        "print(code, 'torch' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "0 False\n"


def test_lifting_leaves_nothing_in_the_home_folder(asset, tmp_path):
    """No identifiers, logs or telemetry of any library (the font cache of matplotlib is moved away)."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    photo = asset("astronaut.png")
    surroundings = {
        **os.environ,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "MPLCONFIGDIR": str(elsewhere),
        "POSETERIOR_CACHE_DIR": str(photo.parent),
    }
    done = poseterior("lift", photo, "--samples", "3", "--out", tmp_path / "out", env=surroundings)
    assert done.returncode == 0, done.stderr
    assert list(home.rglob("*")) == []


def test_no_verb_and_unknown_verb_are_wrong_usage():
    assert poseterior().returncode == 2
    assert poseterior("raise").returncode == 2


def test_assets_are_listed_with_source_licence_and_checksum(tmp_path):
    done = poseterior("assets", "list")
    assert done.returncode == 0
    for part in (
        "pose_landmark_full.tflite",
        "mediapipe==0.10.21",
        "Apache-2.0",
        "sports2d==0.8.34",
        "sha256",
    ):
        assert part in done.stdout


def test_asset_path_and_fetch(asset):
    path = str(asset("demo.mp4"))
    assert poseterior("assets", "path", "demo.mp4").stdout.strip() == path
    assert path in poseterior("assets", "fetch", "demo.mp4").stdout
    unknown = poseterior("assets", "path", "nothing.bin")
    assert unknown.returncode == 1
    assert "nothing.bin" in unknown.stderr and "demo.mp4" in unknown.stderr


def test_demo_needs_no_arguments(asset, tmp_path):
    asset("demo.mp4")
    done = poseterior("demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    results = tmp_path / "demo-output"
    for name in ("walking", "walking-leg-covered"):
        assert Image.open(results / f"{name}.png").size == (1600, 900)
        assert (results / f"{name}.npz").exists()
    assert "walking.png" in done.stdout
