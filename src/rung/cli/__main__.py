"""``python -m rung.cli``: the command without its launcher."""

from rung.cli.main import main

main()
