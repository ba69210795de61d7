"""The whole API on one machine without Docker: `make start`. Nothing outside this folder knows that it is local."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
