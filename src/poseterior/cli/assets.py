"""`poseterior assets list|fetch|path`: what is fetched at first use, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass

from tyro.conf import Positional

from poseterior.cli.exits import DONE
from poseterior.cli.streams import say


@dataclass(frozen=True)
class AssetsList:
    """List every pinned asset: where it comes from, its licence and checksum, and whether it is here."""

    def run(self) -> int:
        """Print a block per asset."""
        from poseterior.assets import cache_folder, list_assets

        say(f"cache: {cache_folder()}")
        for state in list_assets():
            asset = state.asset
            say(f"{asset.name}\n  from      {asset.requirement}, {asset.member} ({asset.licence})")
            say(f"  sha256    {asset.sha256}\n  here      {state.path or 'not yet'}")
        return DONE


@dataclass(frozen=True)
class AssetsFetch:
    """Fetch assets into the cache (all of them when none is named)."""

    names: Positional[tuple[str, ...]] = ()
    """Names as `poseterior assets list` prints them."""

    def run(self) -> int:
        """Fetch, and print a path per asset."""
        from poseterior.assets import fetch

        for path in fetch(list(self.names) or None).values():
            say(str(path))
        return DONE


@dataclass(frozen=True)
class AssetsPath:
    """Print the path of one asset, fetching it if it is not here."""

    name: Positional[str]
    """Name as `poseterior assets list` prints it."""

    def run(self) -> int:
        """Print the path."""
        from poseterior.assets import asset_path

        say(str(asset_path(self.name)))
        return DONE
