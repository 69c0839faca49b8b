"""The whole path of an alert: real guests, upkeep, Prometheus, two Alertmanagers."""

import pytest

from world import World


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true",
                     help="20 outages instead of 5, and what the shipped intervals give")


def pytest_configure(config):
    config.addinivalue_line("markers", "thorough: only with --thorough")


def pytest_collection_modifyitems(config, items):
    """Without --thorough the slow ones are not there; nothing is skipped."""
    if not config.getoption("--thorough"):
        slow = [item for item in items if item.get_closest_marker("thorough")]
        items[:] = [item for item in items if item not in slow]
        config.hook.pytest_deselected(items=slow)


@pytest.fixture(scope="session")
def repeats(request):
    """How many outages are measured."""
    return 20 if request.config.getoption("--thorough") else 5


@pytest.fixture(scope="session")
def build_world(repository, prometheus_program, alertmanager_program, tmp_path_factory):
    def build(name, **options):
        programs = {"prometheus": prometheus_program, "alertmanager": alertmanager_program}
        return World(repository, programs, tmp_path_factory.mktemp(name), **options)
    return build


@pytest.fixture(scope="session")
def world(build_world, repeats):
    """Looks each second. Both Alertmanagers deliver at once, as they do when one doesn't hear of the
    other in time."""
    with build_world("world", guests=repeats + 4, interval="1s", peer_timeout="0s") as made:
        yield made


@pytest.fixture(scope="session")
def outages(world, repeats):
    """Guests that die, one after the other, and what their starts took."""
    return [world.outage(pause=True) for _ in range(repeats)]
