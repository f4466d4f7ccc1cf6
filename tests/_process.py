"""The command line as a process."""

import subprocess
import sys


def poseterior(*arguments, **options):
    """Run `poseterior ARGUMENTS` and return what it did."""
    return subprocess.run(
        [sys.executable, "-m", "poseterior", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
