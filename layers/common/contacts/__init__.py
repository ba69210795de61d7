"""What the functions share. docs/architecture.md draws the packages: each imports only from those below it."""

from contacts.runtime import startup

startup.begin()
