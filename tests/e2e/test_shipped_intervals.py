"""What the examples give as they are: a look each 15 s."""

import pytest

from world import told


@pytest.mark.thorough
def test_an_alert_is_acted_on_with_the_shipped_intervals(build_world, record_property, capsys):
    with build_world("shipped", guests=7) as world:
        outages = [world.outage(pause=True) for _ in range(6)]
    text = f"the shipped intervals: {told(outages)}"
    record_property("alert_path_shipped", text)
    with capsys.disabled():
        print(f"\n{text}")
    # A scrape and an evaluation later, at worst; and a little.
    assert max(outage.from_fault for outage in outages) < 40
