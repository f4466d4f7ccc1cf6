"""Assets: pinned, verified, cached once however many processes want them."""

import hashlib
import logging
import multiprocessing
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from poseterior import assets
from poseterior.errors import AssetError

CONTENT = {"weights.bin": b"weights" * 1000, "sample.bin": b"sample" * 500}


def fake_assets():
    return tuple(
        assets.Asset(
            name=name,
            package="nosuchpackage",
            version="1.2.3",
            member=f"nosuchpackage/data/{name}",
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            licence="MIT",
        )
        for name, content in CONTENT.items()
    )


def write_wheel(folder, content):
    wheel = Path(folder) / "nosuchpackage-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in content.items():
            archive.writestr(f"nosuchpackage/data/{name}", data)
        archive.writestr("nosuchpackage/unwanted.py", "raise RuntimeError('imported')")
    return wheel


class CountingFetcher:
    """Writes the wheel slowly and leaves one file per call, so that calls of other processes count too."""

    def __init__(self, log_folder, content=CONTENT):
        self.log_folder = Path(log_folder)
        self.content = content

    def __call__(self, requirement, folder):
        assert requirement == "nosuchpackage==1.2.3"
        (self.log_folder / f"fetch-{os.getpid()}-{time.monotonic_ns()}").touch()
        time.sleep(0.2)
        return write_wheel(folder, self.content)

    @property
    def calls(self):
        return len(list(self.log_folder.glob("fetch-*")))


@pytest.fixture(autouse=True)
def fake_registry(monkeypatch, tmp_path):
    monkeypatch.setattr(assets, "ASSETS", fake_assets())
    monkeypatch.delenv(assets.LOCAL_VARIABLE, raising=False)
    monkeypatch.setenv(assets.CACHE_VARIABLE, str(tmp_path / "cache"))
    (tmp_path / "log").mkdir()


@pytest.fixture
def fetcher(tmp_path):
    return CountingFetcher(tmp_path / "log")


def test_fetches_once_and_keeps_only_what_is_wanted(fetcher, tmp_path):
    path = assets.asset_path("weights.bin", fetcher=fetcher)
    assert path.read_bytes() == CONTENT["weights.bin"]
    assert assets.asset_path("weights.bin", fetcher=fetcher) == path
    assert fetcher.calls == 1
    kept = [file.name for file in (tmp_path / "cache").iterdir() if not file.name.startswith(".")]
    assert kept == ["weights.bin"]
    assert not list((tmp_path / "cache").glob(".fetch-*"))


def test_one_wheel_serves_all_its_members(fetcher):
    paths = assets.fetch(fetcher=fetcher)
    assert {name: path.read_bytes() for name, path in paths.items()} == CONTENT
    assert fetcher.calls == 1


def test_list_tells_what_is_there_and_fetches_nothing(fetcher):
    assert [state.path for state in assets.list_assets()] == [None, None]
    path = assets.asset_path("sample.bin", fetcher=fetcher)
    assert {state.asset.name: state.path for state in assets.list_assets()} == {
        "weights.bin": None,
        "sample.bin": path,
    }


def test_cache_folder_prefers_argument_then_variable(monkeypatch, tmp_path):
    assert assets.cache_folder(tmp_path / "here") == tmp_path / "here"
    assert assets.cache_folder() == tmp_path / "cache"
    monkeypatch.delenv(assets.CACHE_VARIABLE)
    assert "poseterior" in assets.cache_folder().parts


def test_damaged_cache_is_fetched_again_and_said(fetcher, caplog):
    path = assets.asset_path("weights.bin", fetcher=fetcher)
    path.write_bytes(b"x" * len(CONTENT["weights.bin"]))
    with caplog.at_level(logging.WARNING):
        assets.asset_path("weights.bin", fetcher=fetcher)
    assert path.read_bytes() == CONTENT["weights.bin"]
    assert fetcher.calls == 2
    assert "damaged" in caplog.text and str(path) in caplog.text


def test_wrong_checksum_is_refused_and_not_kept(tmp_path):
    bad = CountingFetcher(tmp_path / "log", {**CONTENT, "weights.bin": b"evil" * 1750})
    with pytest.raises(AssetError, match=r"weights\.bin out of .* has the SHA-256"):
        assets.asset_path("weights.bin", fetcher=bad)
    assert not (tmp_path / "cache" / "weights.bin").exists()


def test_wheel_without_the_member_is_refused(tmp_path):
    with pytest.raises(AssetError, match=r"weights\.bin is not in the fetched wheel"):
        assets.asset_path("weights.bin", fetcher=CountingFetcher(tmp_path / "log", {}))


def test_failed_fetch_names_asset_cache_and_command(tmp_path):
    def offline(requirement, folder):
        raise AssetError("no route to host")

    with pytest.raises(AssetError) as raised:
        assets.asset_path("weights.bin", fetcher=offline)
    text = str(raised.value)
    assert "weights.bin" in text and str(tmp_path / "cache") in text and "no route to host" in text
    assert "pip download --no-deps --only-binary=:all:" in text and "nosuchpackage==1.2.3" in text
    assert "\n" not in text


def test_pip_failure_becomes_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(assets, "pip_download_command", lambda requirement, folder: [sys.executable, "-c",
                        "import sys; sys.exit('first line\\nNo module named pip')"])  # fmt: skip
    with pytest.raises(AssetError, match=r"^No module named pip$"):
        assets.pip_download("nosuchpackage==1.2.3", tmp_path)


def test_unreadable_file_is_one_sentence(monkeypatch, tmp_path, fetcher):
    """The failure is asked of the code, since tests may run as root, who may read anything."""
    (tmp_path / "weights.bin").write_bytes(CONTENT["weights.bin"])

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(assets, "_sha256", refuse)
    with pytest.raises(AssetError, match=r"weights\.bin cannot be read: Permission denied"):
        assets.asset_path("weights.bin", folder=tmp_path, fetcher=fetcher)


def test_home_that_cannot_be_found_is_one_sentence(monkeypatch):
    monkeypatch.setenv(assets.CACHE_VARIABLE, "~no-such-user-here/cache")
    with pytest.raises(AssetError, match="the folder ~no-such-user-here/cache cannot be found"):
        assets.cache_folder()


def test_wheel_that_does_not_unpack_is_refused(tmp_path):
    def broken(requirement, folder):
        wheel = write_wheel(folder, CONTENT)
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("nosuchpackage/data/weights.bin", CONTENT["weights.bin"])
        data = bytearray(wheel.read_bytes())
        start = data.find(b"weights.bin") + len(b"weights.bin")
        data[start : start + 8] = b"\xff" * 8
        wheel.write_bytes(data)
        return wheel

    with pytest.raises(AssetError, match=r"weights\.bin"):
        assets.asset_path("weights.bin", folder=tmp_path, fetcher=broken)
    assert not (tmp_path / "weights.bin").exists()


def test_unknown_asset_lists_the_known_ones():
    with pytest.raises(AssetError, match=r"no asset 'nonsense'; the assets are weights\.bin, sample\.bin"):
        assets.asset_path("nonsense")


def test_local_path_wins_and_is_verified(monkeypatch, tmp_path, fetcher):
    local = tmp_path / "local"
    local.mkdir()
    (local / "weights.bin").write_bytes(CONTENT["weights.bin"])
    monkeypatch.setenv(assets.LOCAL_VARIABLE, os.pathsep.join([str(tmp_path / "absent"), str(local)]))
    assert assets.asset_path("weights.bin", fetcher=fetcher) == local / "weights.bin"
    assert fetcher.calls == 0
    (local / "weights.bin").write_bytes(b"other")
    with pytest.raises(AssetError, match=r"is not nosuchpackage/data/weights\.bin of nosuchpackage==1\.2\.3"):
        assets.asset_path("weights.bin", fetcher=fetcher)


def test_installed_package_is_used_without_being_imported(monkeypatch, tmp_path, fetcher):
    package = tmp_path / "site" / "nosuchpackage"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "data" / "weights.bin").write_bytes(CONTENT["weights.bin"])
    (package / "data" / "sample.bin").write_bytes(b"of another version")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert assets.asset_path("weights.bin", fetcher=fetcher) == package / "data" / "weights.bin"
    assert fetcher.calls == 0
    assert assets.asset_path("sample.bin", fetcher=fetcher).read_bytes() == CONTENT["sample.bin"]
    assert "nosuchpackage" not in sys.modules


def test_cache_that_cannot_be_made_is_one_sentence(tmp_path, fetcher):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(AssetError, match=r"cannot be kept in the cache folder .*POSETERIOR_CACHE_DIR"):
        assets.asset_path("weights.bin", folder=tmp_path / "file" / "cache", fetcher=fetcher)


def _fetch_in_child(cache, log, barrier, results):
    assets.ASSETS = fake_assets()
    barrier.wait()
    paths = assets.fetch(folder=cache, fetcher=CountingFetcher(log))
    results.put({name: path.read_bytes() == CONTENT[name] for name, path in paths.items()})


def test_concurrent_first_runs_fetch_once(tmp_path):
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    barrier, results = context.Barrier(4), context.Queue()
    log = tmp_path / "log"
    children = [
        context.Process(target=_fetch_in_child, args=(tmp_path / "cache", log, barrier, results))
        for _ in range(4)
    ]
    for child in children:
        child.start()
    answers = [results.get(timeout=60) for _ in children]
    for child in children:
        child.join(timeout=60)
    assert answers == [dict.fromkeys(CONTENT, True)] * 4
    assert CountingFetcher(log).calls == 1


def test_lock_of_a_killed_process_does_not_block(tmp_path, fetcher):
    cache = tmp_path / "cache"
    cache.mkdir()
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path; from poseterior import assets\n"
            "with assets.locked(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)",
            str(cache / ".nosuchpackage==1.2.3.lock"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    holder.kill()
    holder.wait(timeout=10)
    holder.stdout.close()
    assert assets.asset_path("weights.bin", fetcher=fetcher).is_file()


@pytest.mark.parametrize("name", ["pose_landmark_full.tflite", "demo.mp4", "camera.png"])
def test_real_registry_gives_what_is_pinned(monkeypatch, tmp_path, name):
    monkeypatch.undo()
    try:
        wheel_for = {asset.name: asset for asset in assets.ASSETS}[name]
        path = assets.asset_path(name)
    except AssetError as error:
        pytest.skip(f"assets cannot be had here: {error}")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == wheel_for.sha256
