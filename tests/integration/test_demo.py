"""The demo: what a newcomer sees in the first minute. It needs neither libvirtd nor root."""

import pytest

from harness.daemon import Upkeep
from harness.waiting import wait_until


@pytest.fixture
def demo(repository, tmp_path):
    with Upkeep(repository, tmp_path, demo=True) as upkeep:
        yield upkeep
        print(upkeep.log())  # shown when the test failed


def running(upkeep):
    return {labels["vm"] for labels, value in upkeep.metrics().all("upkeep_vm_up") if value == 1}


def test_has_a_fleet_and_says_that_it_is_simulated(demo):
    vms = wait_until("VMs", lambda: demo.status()["vms"])
    assert len(vms) >= 12
    assert "web1" in {vm["name"] for vm in vms}
    drbd = demo.status()["drbd"]
    assert drbd["simulated"] is True
    assert drbd["resources"]
    assert demo.metric("upkeep_mode", mode="act") == 1
    assert "simulated" in str(demo.metrics().all("upkeep_drbd_kernel_info"))


def test_crashed_vm_comes_back_and_history_tells_the_story(demo):
    wait_until("web1 to be wanted", lambda: demo.metric("upkeep_vm_wanted", vm="web1") == 1)
    demo.cli("demo", "crash", "web1")
    wait_until("web1 to be started", lambda: [
        end for _, end in demo.starts("web1") if end and "succeeded" in end["text"]])
    wait_until("web1 to run", lambda: "web1" in running(demo))
    told = demo.cli("history").stdout
    assert "web1" in told and "start_vm" in told
    assert demo.metric("upkeep_remediation_actions_total", action="start_vm", trigger="event") == 1


def test_everything_comes_back_after_a_power_cut(demo):
    before = wait_until("VMs to run", lambda: len(running(demo)) >= 8 and running(demo))
    boots = demo.metrics().sum("upkeep_node_boots_total")
    demo.cli("demo", "power-cut")
    wait_until("the boot to be seen",
               lambda: demo.metrics().sum("upkeep_node_boots_total") > boots)
    wait_until("everything to run again", lambda: running(demo) >= before)
    assert [entry for entry in demo.history() if entry["kind"] == "boot"]


def test_unknown_orders_say_what_there_is(demo):
    for arguments, known in ((["crash", "wbe1"], "web1"), (["crsh", "web1"], "crash")):
        refused = demo.cli("demo", *arguments, check=False)
        assert refused.returncode == 1
        assert known in refused.stderr
