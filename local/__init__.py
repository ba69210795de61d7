"""The whole API on one machine, without Docker: `make start`.

`local.emulator` stands for AWS and knows nothing of contacts. The modules here put this system on it: `stack` starts
everything, `demo` makes two demo tenants, `welcome` prints the first requests, `commands` is the command line.
"""

from pathlib import Path

ROOT = Path(__file__).parents[1]
