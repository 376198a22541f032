"""The locked versions are complete, lie in the ranges of pyproject.toml, and are those that the tests run with."""

import os
import re
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.lowest import ROOT, lowest

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUNS, DEVELOPS = PROJECT["dependencies"], PROJECT["optional-dependencies"]["dev"]
LOCKS = {"requirements.lock": RUNS, "requirements-dev.lock": [*RUNS, *DEVELOPS]}
with_lowest = pytest.mark.skipif(os.environ.get("TEST_VERSIONS") != "lowest", reason="for bin/test --lowest")
with_locked = pytest.mark.skipif(os.environ.get("TEST_VERSIONS") == "lowest", reason="these run with the lowest versions")


def locked(name: str) -> dict[str, str]:
    """Of a lock, those that this Python and platform need."""
    lines = (ROOT / name).read_text().splitlines()
    requirements = [Requirement(line.removesuffix(" \\")) for line in lines if re.match(r"[a-z0-9]", line)]
    needed = [requirement for requirement in requirements if requirement.marker is None or requirement.marker.evaluate()]
    return {canonicalize_name(requirement.name): str(requirement.specifier).removeprefix("==") for requirement in needed}


@pytest.mark.parametrize("name", LOCKS)
@with_locked
def test_a_lock_is_complete_and_within_the_ranges(name: str) -> None:
    versions = locked(name)
    waiting, seen = [(Requirement(line), "") for line in LOCKS[name]], set()
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        package = canonicalize_name(requirement.name)
        assert package in versions, f"{name} lacks {package}: run bin/lock"
        assert requirement.specifier.contains(versions[package], prereleases=True), f"{package} in {name}: run bin/lock"
        for wanted in [package, *(f"{package}[{extra}]" for extra in requirement.extras)]:
            if wanted not in seen:
                seen.add(wanted)
                extra = wanted.partition("[")[2].removesuffix("]")
                waiting += [(Requirement(line), extra) for line in metadata.requires(package) or []]
    assert set(versions) == {package for package in seen if "[" not in package}


def test_the_locks_agree_and_name_hashes_and_no_place() -> None:
    assert locked("requirements.lock").items() <= locked("requirements-dev.lock").items()
    for name in LOCKS:
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[a-z0-9])", text)[1:])


@with_locked
def test_the_tests_run_with_the_locked_versions() -> None:
    assert {name: metadata.version(name) for name in locked("requirements-dev.lock")} == locked("requirements-dev.lock")


@with_lowest
def test_the_tests_run_with_the_lowest_versions() -> None:
    assert {name: metadata.version(name) for name in lowest()} == lowest()
    assert len(lowest()) == 4
