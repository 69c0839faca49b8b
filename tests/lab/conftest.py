"""The lab: two nodes with real DRBD. Scenarios share booted nodes while these stay as they were."""

import datetime
import os

import pytest

from harness.lab.lab import Lab
from harness.lab.report import Story, table
from harness.unpacked import MissingPrerequisite
from steps import audit

STORIES = pytest.StashKey()


def pytest_addoption(parser):
    parser.addoption("--all-scenarios", action="store_true", help="not only those for every change")


def pytest_configure(config):
    config.addinivalue_line("markers", "every_change: also runs without --all-scenarios")
    config.stash[STORIES] = []


def pytest_collection_modifyitems(config, items):
    """Those for every change come first. Without --all-scenarios only they are there; nothing is
    skipped."""
    left = [item for item in items if item.get_closest_marker("every_change") is None]
    items[:] = [item for item in items if item not in left]
    if config.getoption("--all-scenarios"):
        items += left
    else:
        config.hook.pytest_deselected(items=left)


@pytest.fixture(scope="session")
def lab(repository):
    try:
        made = Lab(repository, repository / "build/lab")
    except MissingPrerequisite as error:
        # Each scenario says so, and counts: one that could not run has shown nothing.
        pytest.fail(f"the lab can't be set up: {error}", pytrace=False)
    yield made
    made.crash()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    setattr(item, f"report_{report.when}", report)


@pytest.fixture
def story(request, lab):
    """The scenario's line in the report; at its end, whatever happened, no call by upkeep may have
    been one that can lose data."""
    name = request.node.name.removeprefix("test_").replace("_", " ")
    told = Story(name, lab)
    yield told
    failed = getattr(request.node, "report_call", None) is None or request.node.report_call.failed
    for node in lab:
        node.keep_logs(lab.folder / "logs" / request.node.name)
        if failed:
            print(f"--- the end of {node.name}'s log\n" + "\n".join(node.log().splitlines()[-40:]))
    if failed and not told.rows:
        told.rows.append((told.name, "FAILED, see the log", "", "", "", "-"))
    request.config.stash[STORIES] += told.rows
    for node in lab:
        audit(node, allowed=lab.ordered_by_a_person)
    if failed:
        lab.crash()  # the next one begins with new disks


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash[STORIES]
    if not rows:
        return
    repository = config.rootpath.parent
    now = datetime.datetime.now(datetime.timezone.utc)
    text = (f"upkeep's lab, {now:%Y-%m-%d %H:%M} UTC: real DRBD 8.4, two QEMU nodes, emulated, "
            f"{os.cpu_count()} cores, load {os.getloadavg()[2]:.1f}\n\n{table(rows)}")
    (repository / "build/lab/report.txt").write_text(text)
    terminalreporter.section("lab report")
    terminalreporter.write_line(text)
