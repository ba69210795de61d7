"""Imported by what functions are forked off, so that the client, of all the longest to make, is made once."""

from contacts.tables import connection
from tests.policies import give_credentials

give_credentials(connection().client)
