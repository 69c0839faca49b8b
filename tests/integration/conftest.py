"""A private libvirtd for the whole run, empty for each test, and upkeeps that watch it."""

import subprocess
import warnings

import pytest

from harness.daemon import Upkeep
from harness.libvirtd import Libvirtd
from harness.node import Node


@pytest.fixture(scope="session")
def build_libvirtd(repository, tmp_path_factory):
    """Makes a libvirtd; all of them are gone at the end."""
    made = []

    def make(name):
        made.append(Libvirtd(tmp_path_factory.mktemp(name), repository / "build" / "libvirt-cache"))
        return made[-1].start()

    yield make
    for libvirtd in made:
        libvirtd.close()


@pytest.fixture(scope="session")
def first_libvirtd(build_libvirtd):
    return build_libvirtd("node1")


@pytest.fixture(scope="session")
def second_libvirtd(build_libvirtd):
    return build_libvirtd("node2")


def emptied(libvirtd):
    if libvirtd.pid is None:
        libvirtd.start()
    try:
        libvirtd.thaw()
        libvirtd.forget_all()
    except (AssertionError, ProcessLookupError):
        if not libvirtd.has_crashed():
            raise
        # libvirt 9.0 segfaults at times when it goes on after a client left that it had not
        # noticed. What the test is about was checked before; the next ones need a libvirtd.
        warnings.warn(f"libvirtd has crashed: {libvirtd.root}", stacklevel=1)
        libvirtd.start()
        libvirtd.forget_all()


@pytest.fixture
def libvirtd(first_libvirtd):
    yield first_libvirtd
    emptied(first_libvirtd)


@pytest.fixture
def other_libvirtd(second_libvirtd):
    yield second_libvirtd
    emptied(second_libvirtd)


@pytest.fixture
def small_filesystem(tmp_path):
    """Of 2 MiB, so that a test can fill it. Only a libvirtd that is made later sees it."""
    path = tmp_path / "small"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "upkeep-test", path], check=True)
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


@pytest.fixture
def libvirtd_above(small_filesystem, build_libvirtd):
    libvirtd = build_libvirtd("above")
    yield libvirtd
    libvirtd.forget_all()


@pytest.fixture
def node(tmp_path):
    """What upkeep sees of the machine, for a test that boots it."""
    return Node(tmp_path / "root")


@pytest.fixture
def upkeep_for(repository, tmp_path):
    """Makes an upkeep for a libvirtd; it has not been started. All are killed after the test."""
    made = []

    def make(libvirtd, **options):
        directory = tmp_path / f"upkeep{len(made)}"
        directory.mkdir()
        made.append(Upkeep(repository, directory, uri=libvirtd.uri, **options))
        return made[-1]

    yield make
    for upkeep in made:
        upkeep.__exit__()
        print(f"--- log of {upkeep.directory.name}\n{upkeep.log()}")  # shown when the test failed
