"""`health = "agent"`: a guest has booted when its QEMU guest agent, here a real one, says so."""

import json

import pytest

from harness.linux.guest import CHANNEL, LinuxGuest, toggle_agent
from harness.waiting import stays_so, wait_until
from steps import booted, health_check, runs_again, seen_running


@pytest.fixture(scope="module")
def linux(repository):
    return LinuxGuest(repository / "build/linux-guest").build()


def says(upkeep, name, words):
    """Whether `upkeep status` has a line with these words of the VM."""
    return any(name in line and words in line
               for line in upkeep.cli("status").stdout.splitlines())


def ask(libvirtd, name, command):
    """The agent's answer to a person."""
    answer = libvirtd.virsh("qemu-agent-command", name, json.dumps({"execute": command})).stdout
    return json.loads(answer)["return"]


def test_start_is_done_when_the_agent_answers_and_a_guest_without_one_is_named(
        libvirtd, upkeep_for, linux):
    """Two of a power cut: one boots and works; the other boots, and nothing comes up in it."""
    linux.define(libvirtd, "db1")
    linux.define(libvirtd, "web1", agent="none")
    for name in ("db1", "web1"):
        libvirtd.boot(name)
    upkeep = upkeep_for(libvirtd, more=health_check("db1", "agent", "2m") +
                        health_check("web1", "agent", "5s")).start()
    seen_running(upkeep, "db1", "web1")
    wait_until("the agent's answer", lambda: upkeep.metric("upkeep_vm_healthy", vm="db1") == 1)
    assert upkeep.vm("db1")["healthy"] is True
    assert upkeep.vm("db1")["health"] is None

    old = {name: libvirtd.crash(name) for name in ("db1", "web1")}
    pids = {name: runs_again(libvirtd, name, pid) for name, pid in old.items()}
    # Its kernel boots: QEMU runs, and the start isn't over.
    booting = "running, not healthy yet: the guest agent is not connected"
    wait_until("it to be seen booting", lambda: says(upkeep, "db1", booting))
    assert not upkeep.starts("db1")[0][1]

    wait_until("the agent's answer", lambda: upkeep.metric("upkeep_vm_healthy", vm="db1") == 1)
    wait_until("the start to be over", lambda: upkeep.starts("db1")[0][1])
    [(_, end)] = upkeep.starts("db1")
    assert "succeeded" in end["text"], end
    wait_until("the outage to be told of", lambda: upkeep.metrics().sum(
        "upkeep_outage_duration_seconds_count", kind="vm") == 1)

    wait_until("the start to be over", lambda: upkeep.starts("web1")[0][1])
    [(_, end)] = upkeep.starts("web1")
    assert "ineffective" in end["text"], end
    wait_until("the finding", lambda: upkeep.metric("upkeep_vm_boot_unverified", vm="web1") == 1)
    assert upkeep.metric("upkeep_vm_boot_unverified", vm="db1") == 0
    assert says(upkeep, "web1", booting)
    decision = wait_until("the decision", lambda: upkeep.vm("web1")["decision"])
    assert decision["rule"] == "vm_boot_unverified"
    assert {name: libvirtd.qemu_pid(name) for name in pids} == pids, "nobody started one twice"
    assert len(upkeep.starts("web1")) == len(upkeep.starts("db1")) == 1


def test_frozen_file_systems_and_a_hanging_agent_are_told_apart(libvirtd, upkeep_for, linux):
    linux.define(libvirtd, "db1")
    libvirtd.boot("db1")
    wait_until("the agent to answer", lambda: ask(libvirtd, "db1", "guest-ping") == {})
    pid = libvirtd.qemu_pid("db1")
    # A backup froze its file systems. It works; an agent says so in a freeze, too.
    libvirtd.virsh("domfsfreeze", "db1")
    assert ask(libvirtd, "db1", "guest-fsfreeze-status") == "frozen"
    upkeep = upkeep_for(libvirtd, more=health_check("db1", "agent", "2s")).start()
    seen_running(upkeep, "db1")
    wait_until("the agent's answer", lambda: upkeep.metric("upkeep_vm_healthy", vm="db1") == 1)
    assert ask(libvirtd, "db1", "guest-fsfreeze-status") == "frozen", "upkeep thawed it"
    libvirtd.virsh("domfsthaw", "db1")
    upkeep.kill()

    toggle_agent(libvirtd, "db1")
    ping = ("qemu-agent-command", "db1", "--timeout", "1", '{"execute":"guest-ping"}')
    wait_until("it to hang",
               lambda: "not responding" in libvirtd.virsh(*ping, check=False).stderr)
    upkeep.start()
    hanging = "not healthy yet: the guest agent does not answer"
    wait_until("upkeep to say so", lambda: says(upkeep, "db1", hanging))
    assert upkeep.metric("upkeep_vm_healthy", vm="db1") == 0

    toggle_agent(libvirtd, "db1")
    wait_until("the agent's answer", lambda: upkeep.metric("upkeep_vm_healthy", vm="db1") == 1)
    wait_until("nothing to be said of it",
               lambda: upkeep.metric("upkeep_vm_boot_unverified", vm="db1") == 0)
    assert libvirtd.qemu_pid("db1") == pid
    assert upkeep.starts("db1") == []


@pytest.mark.parametrize("devices, detail", [
    ("", "the VM has no guest agent channel (virtio-serial port org.qemu.guest_agent.0)"),
    (CHANNEL, "the guest agent is not connected"),
], ids=["no channel", "nobody at the channel"])
def test_agent_that_is_not_there_is_said_so(libvirtd, upkeep_for, devices, detail):
    booted(libvirtd, "db1", devices=devices)
    upkeep = upkeep_for(libvirtd, mode="observe", more=health_check("db1", "agent", "2s")).start()
    wait_until("the first answer", lambda: upkeep.metric("upkeep_vm_healthy", vm="db1") == 0)
    assert upkeep.vm("db1")["health"] == f"not healthy yet: {detail}"
    wait_until("the finding", lambda: upkeep.metric("upkeep_vm_boot_unverified", vm="db1") == 1)
    # Who was called out by the alert finds it named.
    [line] = [line for line in upkeep.cli("status").stdout.splitlines() if "db1" in line]
    assert f"running, not healthy yet: {detail}" in line


def test_agent_is_not_asked_while_a_backup_runs(libvirtd, upkeep_for, tmp_path):
    """It may be frozen for the backup, and what it doesn't answer then says nothing of the guest."""
    booted(libvirtd, "db1", devices=CHANNEL)
    backup = tmp_path / "backup.xml"
    backup.write_text(f"<domainbackup mode='pull'><server transport='unix' socket='{tmp_path}/nbd'/>"
                      f"<disks><disk name='vda' type='file'><scratch file='{tmp_path}/scratch'/>"
                      "</disk></disks></domainbackup>")
    libvirtd.virsh("backup-begin", "db1", str(backup))
    upkeep = upkeep_for(libvirtd, more=health_check("db1", "agent", "2s")).start()
    seen_running(upkeep, "db1")
    wait_until("it to be left in peace",
               lambda: "a libvirt job is on" in (upkeep.vm("db1")["health"] or ""))
    stays_so("no verdict", lambda: upkeep.metric("upkeep_vm_healthy", vm="db1") is None, 3.0)
    libvirtd.virsh("domjobabort", "db1")
    wait_until("an answer", lambda: upkeep.metric("upkeep_vm_healthy", vm="db1") == 0)
