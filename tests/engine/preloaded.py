"""Imported once by the process from which the execution environments are forked. They inherit the client and the log.

The client takes longest to make.
"""

import os
from pathlib import Path

from contacts.storage.table import connection
from tests import secrecy
from tests.policies import give_credentials

secrecy.keep(Path(os.environ["FUNCTION_LOG"]))
give_credentials(connection().client)
