"""The command ``modalflow``, the same as the program's."""

from __future__ import annotations

import signal
import sys

from . import _core


def main() -> None:
    """Do what the command line asks for, and exit with the program's code."""
    # The program answers interrupts itself.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(_core.main(["modalflow", *sys.argv[1:]]))

