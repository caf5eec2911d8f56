"""What all tests share: the hypothesis profiles and the way to test data outside the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

CHECKOUT = Path(__file__).resolve().parent.parent

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100)
settings.register_profile("deep", deadline=None, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "ci")


def find_test_data(variable: str, beside_the_checkout: str) -> Path | None:
    """
    Return the folder that the environment *variable* names, else the one beside the checkout.

    Returns None if there is neither. A variable that names no folder is an error, so that a typo
    does not turn the tests off.
    """
    named = os.environ.get(variable)
    if named:
        folder = Path(named)
        if not folder.is_dir():
            raise pytest.UsageError(f"{variable} names {named!r}, which is not a folder")
        return folder
    folder = CHECKOUT.parent / beside_the_checkout
    return folder if folder.is_dir() else None


def find_recordings() -> Path | None:
    """Return the folder with the recordings of the control plane, if there is one."""
    return find_test_data("ACLKIT_RECORDINGS", "shared/recordings/open")


def find_json_suite() -> Path | None:
    """Return the folder with the public JSON parser test suite, if there is one."""
    return find_test_data("ACLKIT_JSON_SUITE", "shared/jsontestsuite")


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Return the folder with the recordings of the control plane, or skip the test."""
    folder = find_recordings()
    if folder is None:
        pytest.skip("needs the control plane recordings: set ACLKIT_RECORDINGS to their folder")
    return folder


@pytest.fixture(scope="session")
def json_suite() -> Path:
    """Return the folder with the public JSON parser test suite, or skip the test."""
    folder = find_json_suite()
    if folder is None:
        pytest.skip("needs the JSON parser test suite: set ACLKIT_JSON_SUITE to its folder")
    return folder
