"""What the examples give as they are: a look each 15 s; and what without their route for upkeep."""

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


@pytest.mark.thorough
def test_alertmanagers_own_defaults_make_the_second_outage_wait_for_minutes(
        build_world, record_property, capsys):
    """Why the example has a route for what upkeep is asked to mend."""
    with build_world("defaults", guests=2, own_defaults=True) as world:
        outages = [world.outage(patience=600) for _ in range(2)]
    text = "Alertmanager's own defaults: " + ", then ".join(
        f"{outage.from_fault:.0f} s from the fault, {outage.from_alert:.0f} s from the alert"
        for outage in outages)
    record_property("alert_path_defaults", text)
    with capsys.disabled():
        print(f"\n{text}")
    # group_wait; and for the second alert of the group what is left of group_interval.
    assert outages[0].from_alert > 29
    assert outages[1].from_alert > 60
