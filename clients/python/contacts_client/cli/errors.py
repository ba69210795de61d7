"""What ends a command before its work is done."""


class Misuse(Exception):
    """The file, the options or the settings are wrong. Exit code 2."""


class Stopped(Exception):
    """Somebody stopped the command. Exit code 1."""
