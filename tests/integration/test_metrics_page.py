"""docs/metrics.md is what the program says of itself, and what a scrape shows: no undocumented
series, no documented ghost."""

import json
import re

import pytest

from harness.daemon import Upkeep
from harness.libvirtd import HAS_TAP, TAP
from harness.metrics import Metrics
from harness.troubled_node import TroubledNode
from harness.waiting import wait_until
from steps import booted, disk, fill, runs_again, seen_running, sparse_image

# With what makes every optional metric appear; the peer is the demo.
CONFIG = """
[[vm]]
match = "web1"
health = "tcp:127.0.0.1:1"

[[peer]]
name = "node1"
url = "{peer}"

[[alert]]
alertname = "UpkeepWatchdog"
action = "watchdog"
"""

# Documented, and shown by nothing here: without tap devices no guest has a network. Unit tests have
# them.
UNSEEN = set() if HAS_TAP else {
    f"upkeep_vm_interface_{way}_{what}_total" for way in ("received", "sent")
    for what in ("bytes", "packets", "errors", "drops")}


@pytest.fixture
def demo(repository, tmp_path):
    with Upkeep(repository, tmp_path / "demo", demo=True) as upkeep:
        yield upkeep


@pytest.fixture
def troubled(repository, tmp_path, demo):
    """With DRBD 9, which no kernel here has."""
    with TroubledNode(repository, tmp_path / "troubled", demo) as node:
        yield node.upkeep


@pytest.fixture
def upkeep(libvirtd_above, small_filesystem, upkeep_for, demo):
    libvirtd = libvirtd_above
    booted(libvirtd, "web1", devices=TAP if HAS_TAP else "")
    booted(libvirtd, "web2")
    booted(libvirtd, "web3", devices=disk(sparse_image(small_filesystem)))
    return upkeep_for(libvirtd, node="node3", more=CONFIG.format(peer=demo.instance()["public_url"])).start()


def catalog_of(upkeep):
    """What the program documents, by name."""
    listed = json.loads(upkeep.cli("metrics", "--json").stdout)["metrics"]
    assert len({one["name"] for one in listed}) == len(listed)
    return {one["name"]: one for one in listed}


def family_of(name, catalog):
    """The documented metric that a series belongs to; None: it is not documented."""
    if name in catalog:
        return name
    whole = re.sub(r"_(bucket|sum|count)$", "", name)
    return whole if catalog.get(whole, {}).get("type") == "histogram" else None


def shown(page, catalog):
    """The names of the documented metrics on a page; everything on it is documented."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.M))
    metrics, families = Metrics(page), set()
    for name in metrics.names:
        family = family_of(name, catalog)
        assert family, f"{name} is not documented"
        families.add(family)
        wanted = set(catalog[family]["labels"])
        for labels, _ in metrics.all(name):
            assert set(labels) - {"le"} == wanted, f"{name}{labels}: documented with {wanted}"
    assert set(types) == families
    for name, kind in types.items():
        assert catalog[name]["type"] == kind, name
    return families


def test_page_is_what_the_program_prints(repository, upkeep_for, libvirtd):
    page = (repository / "docs" / "metrics.md").read_text()
    printed = upkeep_for(libvirtd).cli("metrics", "--markdown").stdout
    begin, end = "<!-- begin: upkeep metrics --markdown -->\n", "<!-- end -->\n"
    assert page.count(begin) == 1 and page.count(end) == 1
    between = page.partition(begin)[2].partition(end)[0]
    assert between == printed, "tests/write_metrics_page.sh writes it anew"


def test_lists_them_for_people(upkeep_for, libvirtd):
    upkeep = upkeep_for(libvirtd)
    lines = upkeep.cli("metrics").stdout.splitlines()
    assert lines[0].split() == ["METRIC", "TYPE", "LABELS", "MEANING"]
    assert [line.split()[0] for line in lines[1:]] == list(catalog_of(upkeep))


def test_scrapes_show_what_is_documented_and_nothing_else(libvirtd_above, small_filesystem, demo,
                                                          troubled, upkeep):
    libvirtd = libvirtd_above
    catalog = catalog_of(upkeep)
    seen = set()
    demo.cli("demo", "power-cut")
    # Died again right after its start, it has to wait for the next one.
    seen_running(upkeep, "web2")
    runs_again(libvirtd, "web2", libvirtd.crash("web2"))
    seen_running(upkeep, "web2")
    libvirtd.crash("web2")
    # Its disk has no room for what it writes: QEMU pauses it and says which disk it was.
    seen_running(upkeep, "web3")
    fill(small_filesystem)
    libvirtd.press("web3", "w")
    left = set()

    def everything():
        """True when each was there once: some are only while something lasts."""
        left.clear()
        for scraped in (demo, troubled, upkeep):
            seen.update(shown(scraped.get("/metrics")[1], catalog))
        left.update(catalog.keys() - seen)
        return left == UNSEEN

    try:
        wait_until("every documented metric to be shown", everything, timeout=30)
    finally:
        assert left == UNSEEN, "documented, and never shown or shown after all"
