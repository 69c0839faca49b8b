"""The README's table of a power cut is what the program says when it is asked as written there."""

import json
import re
import shlex
import subprocess

import pytest

PHASES = ["node", "detect", "gate", "queue", "storage", "start", "verify"]


@pytest.fixture(scope="module")
def chapter(repository):
    """The README's chapter about power cuts."""
    readme = (repository / "README.md").read_text()
    return re.search(r"^## How long a power cut lasts\n(.*?)^## ", readme, re.M | re.S)[1]


@pytest.fixture(scope="module")
def simulated(repository, chapter):
    """The answer to the command that stands there."""
    command = shlex.split(re.search(r"`upkeep (simulate --[^`]+)`", chapter)[1])
    assert command == shlex.split("simulate --nodes 4 --vms 62 --boot-seconds 29 --compare serial")
    shown = subprocess.run([repository / "build" / "release" / "upkeep", *command, "--json"],
                           text=True, capture_output=True, check=True)
    return json.loads(shown.stdout)


def rows(chapter):
    """First cell → the others, of every table there."""
    cells = [[cell.strip(" *") for cell in line.strip("|").split("|")]
             for line in chapter.splitlines() if line.startswith("| ")]
    return {first: others for first, *others in cells}


def seconds(figure):
    return f"{figure:.0f} s"


def with_minutes(figure):
    return f"{seconds(figure)} ({figure / 60:.0f} min)"


def test_totals_are_those_of_the_simulation(chapter, simulated):
    table, serial = rows(chapter), simulated["serial"]
    assert table["upkeep on each node"] == [seconds(simulated["total_seconds"])]
    watcher = next(row for row in table if row.startswith("a watcher that starts one after another"))
    assert table[watcher] == [with_minutes(serial["total_seconds"])]
    assert table["one on each node"] == [with_minutes(serial["total_seconds_per_node"])]
    assert f"{seconds(serial['cron_seconds'])} later on average" in chapter


def test_phases_are_those_of_the_simulation(chapter, simulated):
    table, phases = rows(chapter), simulated["phases"]
    head = table[f"of upkeep's {seconds(simulated['total_seconds'])}, each VM's"]
    assert [name.split()[0] for name in head] == PHASES
    assert sorted(phases) == sorted(PHASES)
    for row in ["median", "worst"]:
        assert table[row] == [f"{phases[name][f'{row}_seconds']:.1f} s" for name in PHASES], row
    assert f"{seconds(phases['node']['worst_seconds'])} before the last node is up" in chapter
