"""Why it does not start. Each message says what to do next."""


class CannotStart(Exception):
    pass


class InUse(CannotStart):
    """Another process works on the same local data."""
