"""Imported by what functions are forked off: each of them has this client, of all the longest to make, and this log."""

import os
from pathlib import Path

from contacts.storage.table import connection
from tests import secrecy
from tests.policies import give_credentials

secrecy.keep(Path(os.environ["FUNCTION_LOG"]))
give_credentials(connection().client)
