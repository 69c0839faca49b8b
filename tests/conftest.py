"""What every suite that drives the built program from outside shares."""

import os
import pathlib
import shutil
import subprocess

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository():
    return REPOSITORY


@pytest.fixture(scope="session")
def promtool():
    """Runs promtool with the arguments given; returns the finished process."""
    unpacked = REPOSITORY / "build" / "tools" / "usr" / "bin" / "promtool"
    program = os.environ.get("PROMTOOL") or shutil.which("promtool") or str(unpacked)
    assert pathlib.Path(program).exists(), "no promtool; ./test unpacks one into build/tools"

    def run(*arguments, stdin=None):
        return subprocess.run([program, *map(str, arguments)], input=stdin, text=True,
                              capture_output=True)

    return run
