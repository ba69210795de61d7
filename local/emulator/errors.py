class CannotStart(Exception):
    """Something did not start. The message says what to do next."""
