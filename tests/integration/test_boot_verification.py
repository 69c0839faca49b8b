"""A start has succeeded when the guest does its work, not when QEMU runs."""

import socket

import pytest

from harness.waiting import stays_so, wait_until
from steps import booted, health_check, runs_again, seen_running

class Port:
    """A port of this machine that refuses connections until it is opened."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.number = self.socket.getsockname()[1]

    def open(self):
        self.socket.listen(8)

    def close(self):
        self.socket.close()


@pytest.fixture
def port():
    port = Port()
    yield port
    port.close()


def test_start_is_done_when_the_guest_is_healthy(libvirtd, upkeep_for, port):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd, more=health_check("web1", f"tcp:127.0.0.1:{port.number}")).start()
    seen_running(upkeep, "web1")
    wait_until("the first answer", lambda: upkeep.metric("upkeep_vm_healthy", vm="web1") == 0)
    refused = f"not healthy yet: 127.0.0.1:{port.number}: Connection refused"
    assert upkeep.vm("web1")["health"] == refused
    assert upkeep.vm("web1")["healthy"] is False
    assert f"running, {refused}" in upkeep.cli("status").stdout

    runs_again(libvirtd, "web1", libvirtd.crash("web1"))
    # It runs, and its start isn't over.
    wait_until("the look after the start", lambda: upkeep.metric("upkeep_vm_up", vm="web1") == 1 and
               upkeep.metric("upkeep_vm_healthy", vm="web1") == 0)
    stays_so("in flight", lambda: upkeep.metric("upkeep_remediation_inflight", action="start_vm") == 1,
             3.0)
    assert upkeep.why("vm/web1")["headline"] == f"web1 is running, {refused}."
    assert upkeep.metrics().sum("upkeep_outage_duration_seconds_count", kind="vm") == 0

    port.open()
    wait_until("it to be healthy", lambda: upkeep.metric("upkeep_vm_healthy", vm="web1") == 1)
    wait_until("the start to be over", lambda: upkeep.starts("web1")[0][1])
    [(_, end)] = upkeep.starts("web1")
    assert "succeeded" in end["text"], end
    assert upkeep.vm("web1")["health"] is None
    # What the outage took is told once the guest was at work: the seconds of waiting are in it.
    assert upkeep.metrics().sum("upkeep_outage_duration_seconds_count", kind="vm") == 1
    assert upkeep.metrics().sum("upkeep_outage_phase_seconds_sum", kind="vm", phase="verify") > 3


def test_guest_that_never_gets_healthy_is_told_and_not_restarted(libvirtd, upkeep_for, port):
    booted(libvirtd, "web1", "web2")
    checks = health_check("web1", f"tcp:127.0.0.1:{port.number}", "5s")
    upkeep = upkeep_for(libvirtd, more=checks).start()
    seen_running(upkeep, "web1", "web2")
    pid = runs_again(libvirtd, "web1", libvirtd.crash("web1"))
    # One that boots keeps nobody waiting.
    runs_again(libvirtd, "web2", libvirtd.crash("web2"))
    wait_until("the other one's start to be over", lambda: upkeep.starts("web2")[0][1])
    assert not upkeep.starts("web1")[0][1]

    wait_until("the start to be over", lambda: upkeep.starts("web1")[0][1])
    [(_, end)] = upkeep.starts("web1")
    assert "ineffective" in end["text"], end
    assert "running, but not healthy within 5 s: 127.0.0.1" in end["text"], end
    wait_until("the finding",
               lambda: upkeep.metric("upkeep_vm_boot_unverified", vm="web1") == 1)
    assert upkeep.metric("upkeep_vm_boot_unverified", vm="web2") is None  # it has no check
    decision = wait_until("the decision", lambda: upkeep.vm("web1")["decision"])
    assert decision["rule"] == "vm_boot_unverified"

    def said_of_web1():
        [line] = [line for line in upkeep.cli("status").stdout.splitlines() if "web1" in line]
        return line
    wait_until("what is thought of it", lambda: "what did not boot once" in said_of_web1())
    assert "running, not healthy yet" in said_of_web1()
    stays_so("the same guest", lambda: libvirtd.qemu_pid("web1") == pid, 5.0)
    assert len(upkeep.starts("web1")) == 1
    assert upkeep.metrics().sum("upkeep_remediation_ineffective_total", action="start_vm") == 1

    port.open()
    wait_until("the finding to be gone",
               lambda: upkeep.metric("upkeep_vm_boot_unverified", vm="web1") == 0)


def test_daemon_that_is_killed_meanwhile_goes_on_waiting(libvirtd, upkeep_for, port):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd, more=health_check("web1", f"tcp:127.0.0.1:{port.number}")).start()
    seen_running(upkeep, "web1")
    pid = runs_again(libvirtd, "web1", libvirtd.crash("web1"))
    wait_until("QEMU to be seen", lambda: upkeep.metric("upkeep_vm_up", vm="web1") == 1)
    upkeep.kill()
    upkeep.start()
    seen_running(upkeep, "web1")
    wait_until("an answer", lambda: upkeep.metric("upkeep_vm_healthy", vm="web1") == 0)
    assert not upkeep.starts("web1")[0][1]
    port.open()
    wait_until("the start to be over", lambda: upkeep.starts("web1")[0][1])
    [(_, end)] = upkeep.starts("web1")
    assert "succeeded" in end["text"], end
    assert libvirtd.qemu_pid("web1") == pid


def test_reload_brings_a_check_and_takes_it_away(libvirtd, upkeep_for, port):
    port.open()
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1")
    assert upkeep.metric("upkeep_vm_healthy", vm="web1") is None
    without = upkeep.config.read_text()
    upkeep.config.write_text(without + health_check("web?", f"tcp:127.0.0.1:{port.number}"))
    upkeep.hang_up()
    wait_until("it to be healthy", lambda: upkeep.metric("upkeep_vm_healthy", vm="web1") == 1)
    upkeep.config.write_text(without)
    upkeep.hang_up()
    wait_until("it to have no check", lambda: upkeep.metric("upkeep_vm_healthy", vm="web1") is None)


def test_paused_guest_is_not_asked_and_stays_verified(libvirtd, upkeep_for, port):
    port.open()
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd, mode="observe",
                        more=health_check("web1", f"tcp:127.0.0.1:{port.number}", "1s")).start()
    wait_until("it to be healthy", lambda: upkeep.metric("upkeep_vm_healthy", vm="web1") == 1)
    libvirtd.virsh("suspend", "web1")
    wait_until("the pause", lambda: upkeep.metric("upkeep_vm_healthy", vm="web1") is None)
    port.close()
    libvirtd.virsh("resume", "web1")
    wait_until("it to run", lambda: upkeep.metric("upkeep_vm_up", vm="web1") == 1)
    # Whether it still answers is another matter: it booted.
    stays_so("verified",
             lambda: upkeep.metric("upkeep_vm_boot_unverified", vm="web1") == 0, 3.0)
