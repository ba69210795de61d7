"""A plugin of pytest that decides what coverage measures.

Measured code takes twice its time. So imports are measured once, and of the tests those that reach every line.
"""

import gc
import os
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest


def is_measured(path: Path) -> bool:
    return path.parent.name in {"functions", "unit"} and path.stem != "test_any_event"


def controller(config: pytest.Config) -> Any:
    """That of pytest-cov, or None without coverage."""
    return getattr(config.pluginmanager.getplugin("_cov"), "cov_controller", None)


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """In a worker imports are not measured, because pytest-cov would drop the result. The main process has the same.

    During imports there is next to no garbage to search for.
    """
    gc.disable()
    if "PYTEST_XDIST_WORKER" in os.environ and (coverage := controller(early_config)):
        coverage.pause()


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Imports all that is measured. Later it may be imported first by a test that is not measured."""
    import contacts  # noqa: PLC0415 - after pytest-cov has started
    from tests.handlers import FUNCTIONS, load_app, load_handler  # noqa: PLC0415

    for module in pkgutil.walk_packages(contacts.__path__, "contacts."):
        import_module(module.name)
    for function in FUNCTIONS:
        load_handler(function)
    load_app("hooks/check_versions")
    gc.freeze()  # thousands of modules stay: searching them for garbage takes a tenth of the time of most tests
    gc.set_threshold(50_000, 20, 100)
    gc.enable()
    if coverage := controller(session.config):
        coverage.pause()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Switches only between the two kinds of tests, not at every test: many threads may be running."""
    if (coverage := controller(item.config)) and coverage.started != is_measured(item.path):
        if coverage.started:
            coverage.pause()
        else:
            coverage.resume()
    return (yield)
