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


def find_tool(name):
    """The path of a program that ./test finds or unpacks."""
    unpacked = REPOSITORY / "build" / "tools" / "usr" / "bin" / name
    variable = name.removeprefix("prometheus-").upper()
    program = os.environ.get(variable) or shutil.which(name) or str(unpacked)
    assert pathlib.Path(program).exists(), f"no {name}; ./test unpacks one into build/tools"
    return program


def runner(name):
    """Runs the program with the arguments given; returns the finished process."""
    program = find_tool(name)

    def run(*arguments, stdin=None):
        return subprocess.run([program, *map(str, arguments)], input=stdin, text=True,
                              capture_output=True)

    return run


@pytest.fixture(scope="session")
def promtool():
    return runner("promtool")


@pytest.fixture(scope="session")
def amtool():
    return runner("amtool")


@pytest.fixture(scope="session")
def prometheus_program():
    return find_tool("prometheus")


@pytest.fixture(scope="session")
def tool():
    """Finds another program by its name."""
    return find_tool


@pytest.fixture(scope="session")
def alertmanager_program():
    return find_tool("prometheus-alertmanager")
