"""The verbs and how their arguments are read; nothing here loads an image, a model or torch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Protocol, runtime_checkable

import tyro
from tyro.conf import FlagCreatePairsOff, OmitSubcommandPrefixes, subcommand

import poseterior
from poseterior.cli.assets import AssetsFetch, AssetsList, AssetsPath
from poseterior.cli.compare import Compare
from poseterior.cli.demo import Demo
from poseterior.cli.evaluate import Evaluate
from poseterior.cli.lift import Lift
from poseterior.cli.models import ModelsImport, ModelsList, ModelsShow
from poseterior.cli.pairs import MakePairs
from poseterior.cli.synth import Synth
from poseterior.cli.train import Train, parse_train


@runtime_checkable
class Command(Protocol):
    """A verb with its arguments."""

    def run(self) -> int:
        """Do it and return the exit code."""
        ...


Assets = (
    Annotated[AssetsList, subcommand("list")]
    | Annotated[AssetsFetch, subcommand("fetch")]
    | Annotated[AssetsPath, subcommand("path")]
)

Models = (
    Annotated[ModelsList, subcommand("list")]
    | Annotated[ModelsShow, subcommand("show")]
    | Annotated[ModelsImport, subcommand("import")]
)

Verb = (
    Annotated[Lift, subcommand("lift")]
    | Annotated[Demo, subcommand("demo")]
    | Annotated[Synth, subcommand("synth")]
    | Annotated[MakePairs, subcommand("pairs")]
    | Annotated[Train, subcommand("train")]
    | Annotated[Evaluate, subcommand("evaluate")]
    | Annotated[Compare, subcommand("compare")]
    | Annotated[Models, subcommand("models", description="The models: their cards, and weights of others.")]
    | Annotated[Assets, subcommand("assets", description="The pinned files that are fetched at first use.")]
)

DESCRIPTION = (
    "One picture of a person in, the posterior distribution of the 3D poses that explain it out. "
    "Exit codes: 0 all done, 1 some inputs failed (each named), 2 wrong usage. "
    "The version: poseterior --version."
)


def parse(arguments: Sequence[str]) -> Command:
    """The verb with its arguments; exits with 0 on --help and --version, with 2 on wrong usage."""
    arguments = list(arguments)
    if arguments == ["--version"]:
        print(f"poseterior {poseterior.__version__}")
        sys.exit(0)
    if arguments[:1] == ["train"]:
        # its options are the fields of a configuration that no other verb should load
        return parse_train(arguments[1:])
    return tyro.cli(
        OmitSubcommandPrefixes[FlagCreatePairsOff[Verb]],
        args=arguments,
        prog="poseterior",
        description=DESCRIPTION,
    )
