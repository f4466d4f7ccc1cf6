"""manifest.json: what is wrong with it is said in a sentence, and what it says of the files is checked."""

import json

import pytest

from poseterior.data.synthesis.manifest import (
    Manifest,
    ShardRecord,
    canonical,
    first_difference,
    read_manifest,
    verify,
    write_manifest,
)
from poseterior.data.synthesis.shards import Field
from poseterior.errors import InputError

CONTENT = {"test/shard-00000.npz": b"one", "test/shard-00001.npz": b"three"}
SHA256 = {  # by the command sha256sum
    "test/shard-00000.npz": "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
    "test/shard-00001.npz": "8b5b9db0c13db24256c829aa364aa90c6d2eba318b9232a4ab9313b954d3555f",
}


@pytest.fixture
def manifest(tmp_path):
    """Of a complete set of two files, both there."""
    (tmp_path / "test").mkdir()
    for file, content in CONTENT.items():
        (tmp_path / file).write_bytes(content)
    records = tuple(
        ShardRecord(file, "test", 4 * k, samples, len(CONTENT[file]), SHA256[file])
        for k, (file, samples) in enumerate(zip(CONTENT, (4, 2), strict=True))
    )
    made = Manifest(
        {"seed": 1, "licence": "CC0"},
        {"train": 0, "validation": 0, "test": 6},
        shard_size=4,
        pictures=False,
        fields={"a": Field("<f4", (17, 3)), "picture_jpeg": Field("|u1", (None,))},
        shards=records,
    )
    write_manifest(made, tmp_path)
    return made


def test_it_is_read_as_it_was_written(manifest, tmp_path):
    assert read_manifest(tmp_path) == manifest
    assert manifest.complete and manifest.licence == "CC0"
    said = json.loads((tmp_path / "manifest.json").read_text())
    assert said["totals"]["test"] == {"shards": 2, "samples": 6, "size_bytes": 8}
    assert said["complete"] is True
    assert verify(tmp_path) == manifest


def test_an_empty_set_is_read_as_it_was_written(tmp_path):
    made = Manifest({}, {"train": 5, "validation": 0, "test": 0}, shard_size=4, pictures=True)
    write_manifest(made, tmp_path)
    assert read_manifest(tmp_path) == made and not made.complete


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.update(format="other"), "no manifest of synthetic data"),
        (lambda m: m.update(format_version=99), "format_version is 99"),
        (lambda m: m.pop("identity"), "identity is None; expected .*object"),
        (lambda m: m.update(shard_size=0), "shard_size is 0; expected 1"),
        (lambda m: m.update(pictures=1), "pictures is 1; expected .*boolean"),
        (lambda m: m["counts"].update(test=-1), "counts.test is -1"),
        (lambda m: m["counts"].update(test=True), "counts.test is True"),
        (lambda m: m["counts"].update(extra=1), "counts has .*extra"),
        (lambda m: m["counts"].update(test=7), "complete is True.*contradicts"),
        (lambda m: m["totals"]["test"].update(samples=7), "totals.test.samples is 7.*expected 6"),
        (lambda m: m["fields"]["a"].update(shape="x"), r"fields\.a\.shape is 'x'"),
        (lambda m: m["fields"]["a"].update(shape=[-1]), r"fields\.a\.shape is \[-1\]"),
        (lambda m: m["shards"].reverse(), "not in order"),
        (lambda m: m["shards"].append(m["shards"][1]), "named twice"),
        (lambda m: m["shards"].append(3), r"shards\[2\] is 3; expected an object"),
        (lambda m: m["shards"][1].update(file="../../secret.npz"), r"'\.\./\.\./secret\.npz'"),
        (lambda m: m["shards"][1].update(split="other"), r"shards\[1\]\.split is 'other'"),
        (lambda m: m["shards"][1].update(first_index=5), "multiple of 4"),
        (lambda m: m["shards"][1].update(samples=3), "has 3 samples, more than the set"),
        (lambda m: m["shards"][0].update(sha256="ABC"), r"shards\[0\]\.sha256 is 'ABC'"),
        (lambda m: m["shards"][0].update(size_bytes="3"), r"shards\[0\]\.size_bytes is '3'"),
        (lambda m: m.update(unknown=1), "unknown is 1"),
    ],
)
def test_what_is_wrong_is_named(manifest, tmp_path, change, said):
    path = tmp_path / "manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=said) as caught:
        read_manifest(tmp_path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"a": ' * 100_000, "\udcff"])
def test_what_is_no_manifest_is_named(tmp_path, text):
    (tmp_path / "manifest.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=r"manifest\.json"):
        read_manifest(tmp_path)


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(InputError, match=r"manifest\.json: No such file"):
        read_manifest(tmp_path)


def test_verify_names_damaged_missing_and_unfinished_files(manifest, tmp_path):
    first, second = (tmp_path / file for file in CONTENT)
    first.write_bytes(b"onf")
    with pytest.raises(InputError, match=r"shard-00000\.npz is missing or not what the manifest says; "):
        verify(tmp_path)
    second.unlink()
    with pytest.raises(InputError, match=r"shard-00000\.npz .*, and so are 1 more"):
        verify(tmp_path)
    first.write_bytes(b"one")
    write_manifest(Manifest(manifest.identity, manifest.counts, 4, False, {}, manifest.shards[:1]), tmp_path)
    with pytest.raises(InputError, match="not complete: 1 of 2 files"):
        verify(tmp_path)


def test_the_first_difference_is_named():
    old = {"seed": 1, "packages": {"numpy": "2.0", "torch": "2.6"}, "flag": True}
    assert first_difference(old, json.loads(json.dumps(old))) is None
    assert first_difference(old, {**old, "seed": 2}) == ("seed", 1, 2)
    assert first_difference(old, {**old, "packages": {"numpy": "2.0"}}) == (
        "packages.torch",
        "2.6",
        "nothing",
    )
    assert first_difference(old, {**old, "flag": 1}) == ("flag", True, 1)


def test_an_identity_is_compared_as_json():
    assert canonical({"b": (1, 2), "a": {2: None}}) == {"a": {"2": None}, "b": [1, 2]}
    with pytest.raises(ValueError, match="JSON"):
        canonical({"nan": float("nan")})
