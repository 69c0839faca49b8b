"""The dashboards show what only real guests have."""

from harness.dashboards import NOT_WITH_GUESTS, queries, queries_of, unanswered
from harness.libvirtd import HAS_TAP
from harness.waiting import wait_until

# Without /dev/net/tun no guest has a network.
NOT_HERE = set() if HAS_TAP else queries_of({("node", "Network")})

# Full or empty, as it happens.
EITHER = queries_of({
    ("cluster", "Firing alerts"),  # this machine may have gone down hard within the hour
    ("remediation", "Failures"),
    ("remediation", "Next tries"),  # of the guest that dies again at once, if a scrape saw it wait
})


def test_every_query_is_answered_with_data(world, outages):
    pages = {page for page, *_ in queries()} - {"drbd"}  # that is the dashboards suite's business
    assert pages == {"cluster", "node", "remediation"}
    wait_until("the last VM to be well", lambda: not world.prometheus.query("upkeep:vm_wanted_down == 1"))
    missing = unanswered(world.prometheus, pages)
    elsewhere = queries_of(NOT_WITH_GUESTS)
    assert sorted(missing - elsewhere - NOT_HERE - EITHER) == [], "without data"
    assert sorted(elsewhere - missing - EITHER) == [], "no longer without data: take it off NOT_WITH_GUESTS"
