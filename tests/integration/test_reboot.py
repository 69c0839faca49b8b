"""The node goes down with everything on it; what ran is started again, what was stopped is not."""

from harness.waiting import wait_until
from steps import actions, booted, power_cut, runs_again, seen_running, stays_off


def test_what_ran_is_started_after_a_power_cut_and_what_was_stopped_is_not(
        libvirtd, upkeep_for, node):
    booted(libvirtd, "web1", "web2", "stopped", "gone")
    upkeep = upkeep_for(libvirtd, root=node.root).start()
    seen_running(upkeep, "web1", "web2", "stopped", "gone")
    libvirtd.virsh("destroy", "stopped")
    libvirtd.press("gone", "p")
    for name in ("stopped", "gone"):
        wait_until(f"{name} to be unwanted",
                   lambda name=name: upkeep.metric("upkeep_vm_wanted", vm=name) == 0)

    power_cut(libvirtd, upkeep, node)
    assert libvirtd.state("web1") == ("shut off", "unknown")  # libvirt itself remembers nothing
    upkeep.start()
    for name in ("web1", "web2"):
        runs_again(libvirtd, name, None)
    seen_running(upkeep, "web1", "web2")
    stays_off(libvirtd, upkeep, "stopped", "gone")
    assert actions(upkeep) == 2
    boots = [entry for entry in upkeep.history() if entry["kind"] == "boot"]
    assert len(boots) == 2
    metrics = upkeep.metrics()
    assert metrics.sum("upkeep_node_boots_total") == 2
    downtime = metrics.get("upkeep_node_last_downtime_seconds")
    assert downtime is None or 0 <= downtime < 600


def test_what_the_host_shut_down_in_order_is_started_at_the_next_boot(libvirtd, upkeep_for, node):
    """upkeep stops first, then libvirt-guests shuts the guests down: nobody wished them off."""
    booted(libvirtd, "web1", "stopped")
    upkeep = upkeep_for(libvirtd, root=node.root).start()
    seen_running(upkeep, "web1", "stopped")
    libvirtd.virsh("destroy", "stopped")
    wait_until("it to be unwanted", lambda: upkeep.metric("upkeep_vm_wanted", vm="stopped") == 0)

    assert upkeep.stop() == 0
    libvirtd.virsh("shutdown", "web1")
    libvirtd.wait_state("web1", "shut off")
    libvirtd.power_cut()
    node.boot()
    libvirtd.start()
    upkeep.start()
    runs_again(libvirtd, "web1", None)
    stays_off(libvirtd, upkeep, "stopped")


def test_what_goes_down_with_the_host_is_left_alone_and_comes_back(libvirtd, upkeep_for, node):
    """The node says that it goes down while upkeep runs, and libvirt-guests stops everything."""
    booted(libvirtd, "pressed", "destroyed", "killed")
    names = ("pressed", "destroyed", "killed")
    upkeep = upkeep_for(libvirtd, root=node.root).start()
    seen_running(upkeep, *names)
    announced = node.root / "run" / "upkeep" / "shutting-down"
    announced.parent.mkdir(exist_ok=True)
    announced.touch()
    wait_until("upkeep to know", lambda: upkeep.status()["boot"]["shutting_down"])

    libvirtd.virsh("shutdown", "pressed")
    libvirtd.virsh("destroy", "destroyed")
    libvirtd.crash("killed")
    for name in names:
        libvirtd.wait_state(name, "shut off")
    stays_off(libvirtd, upkeep, *names)
    assert upkeep.metrics().sum("upkeep_vm_wanted") == len(names)
    assert upkeep.vm("killed")["decision"]["hold"] == "host_shutting_down"

    announced.unlink()
    power_cut(libvirtd, upkeep, node)
    upkeep.start()
    for name in names:
        runs_again(libvirtd, name, None)
    seen_running(upkeep, *names)


def test_what_was_stopped_after_the_boot_and_before_anybody_looked_stays_down(
        libvirtd, upkeep_for, node):
    """As libvirt's own autostart would start it, and a person stop it, before upkeep is up."""
    booted(libvirtd, "web1", "stopped", "saved")
    upkeep = upkeep_for(libvirtd, root=node.root).start()
    seen_running(upkeep, "web1", "stopped", "saved")
    assert upkeep.stop() == 0
    libvirtd.virsh("managedsave", "saved")  # as libvirt-guests may, when the node goes down
    libvirtd.power_cut()
    node.boot()
    libvirtd.start()
    assert libvirtd.state("saved") == ("shut off", "unknown")
    libvirtd.virsh("start", "stopped")
    libvirtd.virsh("destroy", "stopped")
    upkeep.start()
    runs_again(libvirtd, "web1", None)
    runs_again(libvirtd, "saved", None)
    stays_off(libvirtd, upkeep, "stopped")
    assert upkeep.metric("upkeep_vm_wanted", vm="stopped") == 0


def test_started_again_only_once_where_upkeep_restarts_in_the_same_boot(
        libvirtd, upkeep_for, node):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd, root=node.root).start()
    seen_running(upkeep, "web1")
    power_cut(libvirtd, upkeep, node)
    upkeep.start()
    runs_again(libvirtd, "web1", None)
    seen_running(upkeep, "web1")
    libvirtd.virsh("destroy", "web1")
    wait_until("it to be unwanted", lambda: upkeep.metric("upkeep_vm_wanted", vm="web1") == 0)
    upkeep.restart()
    stays_off(libvirtd, upkeep, "web1")
    assert upkeep.metrics().sum("upkeep_node_boots_total") == 2


def test_a_vm_whose_definition_the_power_cut_took_is_named(libvirtd, upkeep_for, node):
    booted(libvirtd, "web1", "web2")
    upkeep = upkeep_for(libvirtd, root=node.root).start()
    seen_running(upkeep, "web1", "web2")

    upkeep.kill()
    libvirtd.power_cut()
    # libvirtd skips what it can't read; nobody undefined it.
    (libvirtd.root / "etc" / "qemu" / "web2.xml").write_text("")
    node.boot()
    libvirtd.start()
    assert libvirtd.virsh("list", "--all", "--name").stdout.split() == ["web1"]
    upkeep.start()
    runs_again(libvirtd, "web1", None)
    wait_until("the metric", lambda: upkeep.metric("upkeep_vm_missing", vm="web2") == 1)
    assert upkeep.metric("upkeep_vm_missing", vm="web1") == 0

    def named():
        [line] = [line for line in upkeep.cli("status").stdout.splitlines()
                  if line.startswith("web2 ")]
        return "not listed by libvirt" in line and "its definition is gone" in line
    wait_until("it to be named", named)
    assert "upkeep mark web2 down" in upkeep.why("vm/web2")["commands"]
    assert "not listed by libvirt" in upkeep.cli("plan").stdout
    assert upkeep.cli("mark", "web2", "down").returncode == 0
    wait_until("nothing to be said of it",
               lambda: upkeep.metric("upkeep_vm_missing", vm="web2") is None)
    assert "web2" not in upkeep.cli("status").stdout
