"""Both nodes boot, and nobody but upkeep brings up their replicated disks."""

import pytest

from harness.lab.lab import RESOURCES
from steps import every, held, in_sync, seen_in_sync


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


def test_module_cannot_be_loaded(lab, story):
    lab.make_new()
    story.begin()
    lab.n1.boot("lab-no-module")
    lab.n1.wait_ready()
    every("a try to have failed",
          lambda: lab.n1.resource("r0")["attempts"]["last_outcome"] == "failed")
    decision = held(lab.n1, "resource/r0", "backing_off", "latched")
    metrics = lab.n1.metrics()
    assert metrics.get("upkeep_drbd_resource_configured", resource="r0") == 1
    assert metrics.sum("upkeep_drbd_connected") == 0
    detail = lab.n1.resource("r0")["attempts"]["last_detail"]
    assert "module" in detail and "not found" in detail, detail
    story.tell("drbd.ko is not there", f"hold {decision['hold']}: {detail}",
               "nothing up, and said so")
    lab.crash()
