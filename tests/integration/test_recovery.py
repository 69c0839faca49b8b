"""Most of a node's guests are gone at once: they come back in order, once each, and it is told."""

import random
import socket
import time

from harness.waiting import stays_so, wait_until
from steps import LONG_ENOUGH_TO_ACT, booted, power_cut, seen_running

STATES = ("waiting", "starting", "healthy", "unverified", "held", "latched", "unwanted")


def over(upkeep):
    """Waits until the last recovery has ended; returns it."""
    def ended():
        shown = upkeep.recovery()
        return shown and shown["ended_at"] and shown
    return wait_until("the recovery to be over", ended)


def starts_since(libvirtd, before, names):
    """libvirt numbers every start of any guest: how many there were, if the last one still runs."""
    return max(domain_id(libvirtd, name) for name in names) - before


def domain_id(libvirtd, name):
    return int(libvirtd.virsh("domid", name).stdout)


def test_most_guests_lost_at_once(libvirtd, upkeep_for, capsys):
    names = booted(libvirtd, *(f"vm{number}" for number in range(8)))
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, *names)
    assert upkeep.metric("upkeep_recovery_active") == 0
    before = max(domain_id(libvirtd, name) for name in names)
    for name in names:
        libvirtd.crash(name)
    shown = over(upkeep)
    seen_running(upkeep, *names)
    assert shown["cause"] == "lost_vms" and shown["detail"] == "crashed"
    assert shown["states"] == {state: len(names) if state == "healthy" else 0 for state in STATES}
    assert all(vm["back_after_seconds"] is not None for vm in shown["vms"])
    # The last start may return after its guest was seen.
    wait_until("the phases of each start", lambda: all(
        vm["phases"]["start"] is not None for vm in upkeep.recovery()["vms"]))
    assert starts_since(libvirtd, before, names) == len(names)

    def counted():
        metrics = upkeep.metrics()
        return metrics.get("upkeep_recovery_duration_seconds_count") == 1 and metrics
    metrics = wait_until("the recovery to be counted", counted)
    assert metrics.get("upkeep_remediation_budget_remaining") == 19
    assert metrics.get("upkeep_remediation_storm_active") == 0
    told = [entry["text"] for entry in upkeep.history() if entry["kind"] == "recovery"]
    assert len(told) == 2 and any(text.startswith("recovery 1 begins: ") for text in told), told
    with capsys.disabled():
        print(f"\n{len(names)} guests lost at once: all back after {shown['seconds']:.1f} s")
        print(upkeep.cli("history", "--recovery", "0").stdout)


def test_guests_come_back_in_order(libvirtd, upkeep_for, node):
    """db1 waits until dns1 does its work, not only until it runs; web1 needs db1."""
    booted(libvirtd, "dns1", "db1", "web1")
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        number = port.getsockname()[1]
        upkeep = upkeep_for(libvirtd, root=node.root, more=f"""\
[[vm]]
match = "dns1"
health = "tcp:127.0.0.1:{number}"
[[vm]]
match = "db1"
priority = 1
[[vm]]
match = "web1"
priority = 1
after = ["db1"]
""").start()
        seen_running(upkeep, "dns1", "db1", "web1")
        power_cut(libvirtd, upkeep, node)
        upkeep.start()
        wait_until("dns1 to run", lambda: libvirtd.qemu_pid("dns1"))
        wait_until("the others to wait", lambda: [
            (upkeep.vm(name)["decision"] or {}).get("hold") for name in ("db1", "web1")] == [
                "waits_for_tier", "waits_for_vm"])
        stays_so("the others off",
                 lambda: not libvirtd.qemu_pid("db1") and not libvirtd.qemu_pid("web1"),
                 LONG_ENOUGH_TO_ACT)
        assert upkeep.metric("upkeep_recovery_vms", state="waiting") == 2
        assert "is not healthy yet" in upkeep.why("vm/db1")["headline"]
        port.listen(8)
        shown = over(upkeep)
        assert shown["cause"] == "node_boot" and shown["states"]["healthy"] == 3
        assert (domain_id(libvirtd, "dns1") < domain_id(libvirtd, "db1")
                < domain_id(libvirtd, "web1"))


def test_upkeep_killed_at_random_points_of_a_recovery(libvirtd, upkeep_for, node, capsys):
    """Twelve guests, and no daemon that lives for longer than a moment until they are back; as
    often as it takes for twenty kills, each of a daemon that had guests to start."""
    names = booted(libvirtd, *(f"vm{number:02}" for number in range(12)))
    upkeep = upkeep_for(libvirtd, root=node.root).start()
    seen_running(upkeep, *names)
    chance = random.Random(20)
    kills, recoveries, interrupted = 0, 0, 0
    while kills < 20:
        power_cut(libvirtd, upkeep, node)
        kills += killed_until_all_run(libvirtd, upkeep, names, chance, 20 - kills)
        recoveries += 1
        upkeep.start()
        interrupted += came_back_once_each(libvirtd, upkeep, names, recoveries)
    with capsys.disabled():
        print(f"\nupkeep killed {kills} times in {recoveries} recoveries of {len(names)} guests, "
              f"in {interrupted} starts: each was started once")


def killed_until_all_run(libvirtd, upkeep, names, chance, most):
    """Starts and kills upkeep until the guests run, or so often; how often it was killed before
    they did. Each daemon may live a bit longer: what one was killed in, the next has to see first."""
    kills = 0
    while kills < most:
        upkeep.spawn()
        time.sleep(chance.uniform(0.05, 0.5) * (1 + kills))
        upkeep.kill()
        if all(libvirtd.qemu_pid(name) for name in names):
            break
        kills += 1
    return kills


def came_back_once_each(libvirtd, upkeep, names, number):
    """The recovery of that number is over and everybody counts it right; how many of its starts
    upkeep was killed in."""
    wait_until("this boot's recovery", lambda: (upkeep.recovery() or {}).get("id") == number)
    shown = over(upkeep)
    seen_running(upkeep, *names)
    # libvirtd was new after the cut, and numbers from 1.
    assert sorted(domain_id(libvirtd, name) for name in names) == list(range(1, len(names) + 1))

    assert shown["id"] == number and shown["cause"] == "node_boot"
    assert shown["states"] == {state: len(names) if state == "healthy" else 0 for state in STATES}
    assert [vm["name"] for vm in shown["vms"]] == sorted(names)
    assert all(vm["state"] == "healthy" and vm["back_after_seconds"] is not None
               for vm in shown["vms"])
    text = upkeep.cli("history", "--recovery", str(number)).stdout
    assert f"recovery {number} after the boot on" in text and f"{len(names)} healthy" in text, text

    def counted():
        metrics = upkeep.metrics()
        over = metrics.get("upkeep_recovery_active") == 0
        return over and metrics.sum("upkeep_remediation_inflight") == 0 and metrics
    metrics = wait_until("the last start to be counted", counted)
    for state in STATES:
        expected = len(names) if state == "healthy" else 0
        assert metrics.get("upkeep_recovery_vms", state=state) == expected, state
    assert metrics.sum("upkeep_vm_up") == metrics.sum("upkeep_vm_wanted") == len(names)
    assert metrics.sum("upkeep_node_boots_total") == 1 + number
    # Each recovery is one of the twenty that a node may do in an hour.
    assert metrics.get("upkeep_remediation_budget_remaining") == 20 - number

    # One start of each in each recovery, but for those that upkeep was killed in.
    ends = [end["text"] for name in names for _, end in upkeep.starts(name)]
    interrupted = sum("interrupted" in text for text in ends)
    assert sum("succeeded" in text for text in ends) == number * len(names), ends
    assert len(ends) == number * len(names) + interrupted, ends
    return interrupted
