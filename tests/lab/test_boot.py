"""Both nodes boot, and nobody but upkeep brings up their replicated disks."""

import pytest

from harness.lab.lab import RESOURCES
from steps import in_sync, seen_in_sync


@pytest.mark.every_change
def test_boot_with_the_module_not_loaded(lab, story):
    lab.make_new()
    story.begin()
    lab.power_on()
    lab.wait_up()
    in_sync(lab)
    healthy = story.seconds()
    seen_in_sync(*lab)
    for node in lab:
        ups = [call.words for call in story.commands(node) if not call.nested]
        assert sorted(ups) == sorted(("drbdadm", "adjust", f"r{number}")
                                     for number in range(RESOURCES)), ups
        assert not [call for call in node.calls() if call.caller == "lab"]
    story.tell("both nodes powered on, module not loaded, nothing up",
               "drbd_down: bring_up_resource, each by itself", "8 of 8 UpToDate on both", healthy)
