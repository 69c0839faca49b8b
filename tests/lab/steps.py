"""What many scenarios do, and look for."""

import time

from harness.lab.calls import by_upkeep
from harness.lab.lab import GUEST, RESOURCES
from harness.lab.node import PATIENCE
from harness.waiting import wait_until

#: Two readings of DRBD and a step of the loop, thrice.
LONG_ENOUGH_TO_ACT = 15.0


def every(what, condition, timeout=PATIENCE):
    """Waits at the pace of an emulated machine."""
    return wait_until(what, condition, timeout=timeout, every=1)


def in_sync(lab):
    """Waits until all resources are connected and UpToDate on both nodes, as the kernels say."""
    every("all resources to be UpToDate on both nodes", lab.in_sync)


def seen_in_sync(*nodes):
    """Waits until /metrics shows it, too."""
    def shown(node):
        metrics = node.metrics()
        return (metrics.sum("upkeep_drbd_connected") == RESOURCES and
                sum(value for labels, value in metrics.all("upkeep_drbd_device_state")
                    if labels["state"] == "UpToDate") == RESOURCES)
    for node in nodes:
        every(f"upkeep on {node.name} to see all resources UpToDate", lambda node=node: shown(node))


def fresh(lab, *words):
    """A pair with new disks, just booted: upkeep has brought up everything on both nodes."""
    lab.make_new()
    lab.power_on(*words)
    lab.wait_up()
    for node in lab:
        node.wait_ready()
    in_sync(lab)
    seen_in_sync(*lab)


def undisturbed(lab):
    """A pair that runs and is in sync, the one from before if it still is; web1 is off."""
    if all(node.is_on for node in lab) and guest_is_off(lab) and lab.in_sync():
        seen_in_sync(*lab)
    else:
        fresh(lab)


def guest_is_off(lab):
    return all(not guest_runs(node) for node in lab)


def guest_runs(node):
    done = node.virsh(f"domstate {GUEST}", check=False)
    return done.status == 0 and done.output.strip() == "running"


def boot_counter(node):
    """How often the guest booted, as its disk says; the node must be Primary on r0."""
    text = node.run("dd if=/dev/drbd0 iflag=direct bs=512 skip=1 count=1 2>/dev/null | "
                    "od -A n -t u2 -N 2").output
    return int(text)


def start_guest(node):
    """By hand, as an administrator does; waits until it has booted and upkeep has seen it run."""
    every(f"libvirtd on {node.name}", lambda: node.virsh("list", check=False).status == 0)
    node.run("drbdadm primary r0")
    node.virsh(f"start {GUEST}")
    booted(node)
    every(f"upkeep on {node.name} to see {GUEST} run",
          lambda: node.metrics().get("upkeep_vm_wanted", vm=GUEST) == 1 and
          node.metrics().get("upkeep_vm_up", vm=GUEST) == 1)


def stop_guest(node):
    """On purpose, and so that it stays off; then its disk is left, too."""
    node.virsh(f"destroy {GUEST}")
    every(f"upkeep on {node.name} to see that {GUEST} is not wanted",
          lambda: node.metrics().get("upkeep_vm_wanted", vm=GUEST) == 0)
    node.run("drbdadm secondary r0")


def booted(node):
    """Waits until the guest has said that it is up."""
    every(f"{GUEST} to have booted on {node.name}",
          lambda: "up" in node.run(f"cat /run/{GUEST}.serial", check=False).output)


def decision_on(node, target):
    """What upkeep decided on "resource/r3" or "vm/web1": its JSON, or None."""
    kind, _, name = target.partition("/")
    return (node.vm(name) if kind == "vm" else node.resource(name))["decision"]


def held(node, target, *reasons):
    """Waits until upkeep holds on a target for one of these reasons; returns the decision."""
    def so():
        decision = decision_on(node, target)
        return decision if decision and decision.get("hold") in reasons else None
    return every(f"{node.name} to hold on {target} because of {' or '.join(reasons)}", so)


def left_alone(story, seconds=LONG_ENOUGH_TO_ACT):
    """upkeep commands nothing on either node within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for node in story.lab:
            commands = story.commands(node)
            assert not commands, [call.text for call in commands]
        time.sleep(1)


def audit(node, allowed=()):
    """Nothing that upkeep called, or made DRBD's tools call, can have lost data: by the node's own
    log of their calls, which must have something to tell when upkeep has read DRBD."""
    calls = node.calls()
    if 'msg="source answers" source=drbd' in node.log():
        assert [call for call in calls if call.caller == "upkeep"], "the log of calls is empty"
    lost = [call for call in by_upkeep(calls) if call.may_lose_data and call not in allowed]
    assert not lost, lost


def actions_on(node, target):
    """What upkeep's own journal says it began on a target: "bring_up_resource", …"""
    return [entry["text"].split()[0] for entry in node.history()
            if entry["target"] == target and entry["kind"] == "begin"]
