"""``python -m modalflow`` is the command."""

from ._command import main

main()
