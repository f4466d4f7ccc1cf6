"""The command line: one file per verb, imported only when it is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from poseterior.cli.exits import DONE, FAILED, INTERRUPTED, USAGE, UsageError, sentence
from poseterior.cli.streams import complain, mute_stdout, take_over_streams


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `poseterior`; leaves with 0 all done, 1 some inputs failed, 2 wrong usage."""
    take_over_streams()
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one verb and return its exit code; tyro itself leaves with 2 on arguments it cannot parse."""
    try:
        from poseterior.cli.parser import parse

        return parse(arguments).run()
    except UsageError as error:
        complain(f"{error} (see: poseterior --help)")
        return USAGE
    except BrokenPipeError:
        # whoever read the help has seen enough; keep Python from complaining about it at exit
        mute_stdout()
        return DONE
    except OSError as error:
        mute_stdout()
        complain(f"cannot go on: {error.strerror or error}")
        return FAILED
    except KeyboardInterrupt:
        complain("stopped")
        return INTERRUPTED
    except Exception as error:
        complain(sentence(error))
        return FAILED
