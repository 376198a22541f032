"""How long to fuzz, known before the tests are collected."""

import pytest

LONG = False


def pytest_configure(config: pytest.Config) -> None:
    global LONG
    LONG = config.getoption("fuzz")
