"""The table, as all commands use it."""

from contacts.storage.table import Table

table = Table()
"""Without a deadline: a command may take as long as its operations need."""
