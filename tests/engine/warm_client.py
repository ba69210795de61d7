"""Imported by what functions are forked off, so that the client, of all the longest to make, is made once."""

from contacts.tables import connection

connection().client  # noqa: B018 - made when it is first asked for
