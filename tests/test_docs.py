"""The documentation: its links lead somewhere, its commands are understood, its figures are the measured ones."""

import json
import re
import shlex
from pathlib import Path

import pytest

from poseterior.cli.parser import parse

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RESULTS = sorted((ROOT / "docs" / "results").glob("*.json"))
COMMAND = re.compile(r"^ *(poseterior [a-z].*)$", re.MULTILINE)
COMMENT = re.compile(r" {2,}[#(].*$")


def page_name(path):
    return str(path.relative_to(ROOT))


def anchors(page):
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_local_link_leads_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def documented_commands():
    for page in PAGES:
        for line in COMMAND.findall(page.read_text(encoding="utf-8")):
            command = COMMENT.sub("", line).strip()
            yield pytest.param(command, id=f"{page.name}: {command}")


@pytest.mark.parametrize("command", list(documented_commands()))
def test_every_command_of_the_pages_is_understood(command):
    verb = parse(shlex.split(command)[1:])
    assert callable(verb.run)


def test_there_are_commands():
    assert len(list(documented_commands())) > 30


def recorded_commands(value):
    if isinstance(value, dict):
        for key, part in value.items():
            yield from [part] if key == "command" and isinstance(part, str) else recorded_commands(part)
    elif isinstance(value, list):
        for part in value:
            yield from recorded_commands(part)


@pytest.mark.parametrize("result", RESULTS, ids=lambda path: path.stem)
def test_recorded_commands_name_no_place_of_one_machine(result):
    for command in recorded_commands(json.loads(result.read_text(encoding="utf-8"))):
        assert not [word for word in shlex.split(command) if "=/" in word or word.startswith(("/", "~"))], (
            command
        )


def test_figures_of_the_readme_are_those_of_the_report():
    report = json.loads((ROOT / "docs" / "results" / "evaluate-posterior.json").read_text(encoding="utf-8"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("all", "ambiguous"):
        subset = report["subsets"][name]
        errors = subset["poses"]["pmpjpe_mm"]
        figures = [f"{errors[which]['mean']:.0f} mm" for which in ("z0", "mean_pose", "oracle_best")]
        held = [f"{100 * subset['samples'][f'central_coverage_{level}']['mean']:.0f} %" for level in (50, 90)]
        assert f"| PMPJPE, {name} pictures | {' | '.join(figures)} | {' / '.join(held)} |" in readme
