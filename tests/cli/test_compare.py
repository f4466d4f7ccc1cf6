import json

import pytest
from _process import poseterior
from _toy_evaluation import write_synth_folder

TINY = ("--preset", "tiny", "--pictures", 32, "--max-pictures", 3, "--seeds", 0)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_synth_folder(
        tmp_path_factory.mktemp("compare") / "data", counts={"train": 12, "validation": 4, "test": 6}
    )


def compare(data, out, *more):
    return poseterior("compare", "--data", data, "--out", out, *TINY, *more)


def test_two_methods_as_a_process(data, tmp_path):
    out = tmp_path / "out"
    done = compare(data, out, "--methods", "martinez2017", "posterior")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(out)
    (results,) = (json.loads(path.read_text()) for path in out.glob("*/comparison.json"))
    assert [row["name"] for row in results["rows"]] == ["martinez2017", "posterior"]
    asked = results["command"].split()
    given = [str(word) for word in ("compare", "--data", data, "--out", out, *TINY, "--methods")]
    assert asked[0] == "poseterior" and sorted(asked[1:]) == sorted([*given, "martinez2017", "posterior"])
    assert asked[asked.index("--methods") + 1 :][:2] == ["martinez2017", "posterior"]
    trainings = [training for row in results["rows"] for training in row["training"]]
    assert [training["matmul_precision"] for training in trainings] == ["highest", "highest"]
    assert results["plan"]["pictures"] == 32 and results["dataset"]["num_evaluated"] == 3

    # one setting is another one now: nothing is mixed, and the sentence says which
    refused = compare(data, out, "--pictures", 64, "--methods", "martinez2017")
    assert refused.returncode == 1 and refused.stdout == ""
    assert "was begun with pictures = 32, not 64" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_ablations_as_a_process(data, tmp_path):
    out = tmp_path / "out"
    done = compare(data, out, "--ablations", "--methods", "full", "no-condition", "no-gen", "k-10")
    assert done.returncode == 0, done.stderr
    (path,) = out.glob("*/comparison.md")
    page = path.read_text()
    assert "What each part of the training is worth" in page and "`objective.num_best = 10`" in page
    assert "oracle worst PMPJPE: full < no L_gen (no critic)" in page
    (results,) = (json.loads(path.read_text()) for path in out.glob("*/comparison.json"))
    values = [row["subsets"]["all"]["mpjpe_mm.oracle_best"]["seeds"][0] for row in results["rows"]]
    assert len(set(values)) == len(values) == 4
    assert not list(out.glob("*/curves.png"))

    refused = compare(data, out, "--methods", "martinez2017")
    assert refused.returncode == 1 and "was begun with ablations = True, not False;" in refused.stderr


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            ("--ablations", "--methods", "cvae"),
            "methods: there is no cvae; expected all, or some of full, no-con",
        ),
        (("--methods", "magic"), "methods: there is no magic; expected all, or some of martinez2017"),
        (("--test", "nowhere"), "data nowhere: there is no such folder"),
        (("--pictures", 0), "pictures is 0; expected 1 or more"),
    ],
)
def test_bad_input_gets_one_sentence_and_leaves_nothing(data, tmp_path, more, said):
    done = compare(data, tmp_path / "out", *more)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert said in done.stderr
    assert not (tmp_path / "out").exists()
