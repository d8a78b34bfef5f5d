"""What the tests share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    """Scenarios are named as in the README."""
    monkeypatch.chdir(ROOT)


@pytest.fixture
def command(tmp_path):
    """The command, writing to a folder of its own."""

    def call(*words, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "modalflow", *map(str, words), "--out", str(tmp_path)],
            capture_output=True,
            text=True,
            env=os.environ,
        )
        assert done.returncode == code, done.stderr
        return tmp_path

    return call
