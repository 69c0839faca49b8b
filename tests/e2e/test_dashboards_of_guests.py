"""The dashboards show what only real guests have."""

from harness.dashboards import empty_panels, queries
from harness.waiting import wait_until
from world import HAS_TAP

ALL_WELL = "nothing of the kind goes wrong here"
NO_DRBD = "there is no DRBD here; the page of it is the dashboards suite's business"

# (page, panel) → why it is empty here. One that is not empty is an error: take it off.
EMPTY = {
    ("cluster", "VMs that should run and do not"): ALL_WELL,
    ("node", "Last downtime"): "no node boots here",
    ("remediation", "From event to command"): "nothing is begun by an event: each VM waits for its alert",
    ("remediation", "Next tries"): ALL_WELL,
    ("remediation", "DRBD outages by phase"): NO_DRBD,
}
if not HAS_TAP:
    EMPTY["node", "Network"] = "this machine has no /dev/net/tun, so that no guest has a network"

# Full or empty, as it happens.
EITHER = {
    ("cluster", "Firing alerts"): "this machine may have gone down hard within the hour",
    ("remediation", "Failures"): ALL_WELL,
}


def test_every_query_is_answered_with_data(world, outages):
    pages = {page for page, *_ in queries()} - {"drbd"}
    assert pages == {"cluster", "node", "remediation"}
    wait_until("the last VM to be well", lambda: not world.prometheus.query("upkeep:vm_wanted_down == 1"))
    empty = empty_panels(world.prometheus, pages)
    assert sorted(empty - EMPTY.keys() - EITHER.keys()) == [], "without data"
    assert sorted(EMPTY.keys() - empty) == [], "no longer empty: take it off EMPTY"
