"""Build hook: compiles the Gaussian fit and the alignment of poses into plain shared libraries inside the package.

The libraries use no Python C API, so one wheel per platform serves every Python. Compiler: $CC, else cc, gcc
or clang, else the one in the PyPI wheel `ziglang`, which is then asked for as a build dependency.
"""

from __future__ import annotations

import importlib.util
import os
import runpy
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
FINGERPRINT = Path("src/poseterior/native/fingerprint.py")
LIBRARIES = {
    Path("src/poseterior/heatmaps/_native", f"poseterior_fit{SUFFIX}"): (
        "fit.c",
        "fit_avx2.c",
        "fit_avx512.c",
    ),
    Path("src/poseterior/metrics/_native", f"poseterior_align{SUFFIX}"): ("align.c",),
}
"""Each library and what it is compiled from, in the same folder."""
# No -march=native: wheels travel. The sources themselves hold the variants for newer processors.
FLAGS = (
    *("-std=gnu99", "-O3", "-fPIC", "-shared", "-fvisibility=hidden", "-g0"),
    *("-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-Wno-psabi"),
)


def system_compiler() -> list[str] | None:
    """$CC (may hold options), or the first usual C compiler on the PATH."""
    if os.environ.get("CC"):
        return shlex.split(os.environ["CC"])
    found = next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)
    return [found] if found else None


def compiler() -> list[str]:
    """The command that compiles; raises if there is none."""
    found = system_compiler()
    if found:
        return found
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline"]
    raise RuntimeError("no C compiler: set CC, install gcc or clang, or install the package ziglang")


def compile_library(root: Path, library: Path) -> Path:
    """Compile one of the LIBRARIES of the checkout `root` in its place; replaces an older one in one step."""
    target = root / library
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    sources = [str(target.with_name(name)) for name in LIBRARIES[library]]
    fingerprint = runpy.run_path(str(root / FINGERPRINT))
    stamp = f'-DSOURCES_SHA256="{fingerprint["sources_sha256"](target.parent)}"'
    command = [*compiler(), *FLAGS, stamp, *sources, "-o", str(part)]
    if sys.platform != "win32":
        command.append("-lm")
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"compiling {library.name} failed: {shlex.join(command)}\n{done.stderr}")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def platform_tag() -> str:
    """The wheel's platform: this one, in the terms of the packaging standards."""
    if sys.platform == "darwin":
        from packaging.tags import platform_tags

        return next(iter(platform_tags()))
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


class CustomBuildHook(BuildHookInterface[Any]):
    """Hatchling calls this for every wheel, editable ones too."""

    def dependencies(self) -> list[str]:
        """A compiler, if the machine has none."""
        return [] if system_compiler() else ["ziglang>=0.13"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say what the wheel holds and where it runs."""
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag()}"
        for library in LIBRARIES:
            compile_library(Path(self.root), library)
            build_data["artifacts"].append(library.as_posix())
