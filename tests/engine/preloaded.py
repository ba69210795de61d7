"""Imported once by the process from which the execution environments are forked. They inherit the client and the log.

The client takes longest to make.
"""

import os
from pathlib import Path

from contacts.storage.table import TableItem, connection
from tests import secrecy
from tests.policies import give_credentials

TableItem.Meta.read_timeout_seconds = 10  # up to 66 of them wait for one engine, which can be slow then
secrecy.keep(Path(os.environ["FUNCTION_LOG"]))
give_credentials(connection().client)
