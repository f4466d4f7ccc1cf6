"""The command line: one file per verb, imported only when it is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from poseterior.cli.exits import DONE, FAILED, INTERRUPTED, UsageError, say_usage_error
from poseterior.errors import PoseteriorError


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `poseterior`; leaves with 0 all done, 1 some inputs failed, 2 wrong usage."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one verb and return its exit code; tyro itself leaves with 2 on arguments it cannot parse."""
    from poseterior.cli.parser import parse

    command = parse(arguments)
    try:
        return command.run()
    except UsageError as error:
        return say_usage_error(error)
    except PoseteriorError as error:
        print(f"poseterior: {error}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # whoever read our output has seen enough; keep Python from complaining about it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        print("poseterior: stopped", file=sys.stderr)
        return INTERRUPTED
