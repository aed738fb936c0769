"""Let `python -m backsight` do what the `backsight` command does."""

from backsight.cli.main import run

run()
