"""The operators' tools: tenants, their API keys and their tags. The API makes none of these."""

import sys
from pathlib import Path

# In Lambda the layer brings the `contacts` package; on an operator's machine it is taken from the layer's source.
sys.path.append(str(Path(__file__).parents[1] / "layers" / "common"))
