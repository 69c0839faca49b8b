"""A guest that dies runs again, at once, and the journal and the metrics tell it."""

import os
import signal
import statistics
import time
from datetime import datetime

from harness.waiting import wait_until
from steps import actions, booted, runs_again, seen_running, state_of, stays_off


def test_killed_guest_runs_again(libvirtd, upkeep_for):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1")

    runs_again(libvirtd, "web1", libvirtd.crash("web1"))

    def told():
        metrics = upkeep.metrics()
        return (metrics.get("upkeep_remediation_action_duration_seconds_count", action="start_vm")
                and metrics.get("upkeep_vm_up", vm="web1") and metrics)
    metrics = wait_until("the start to have ended", told)
    assert metrics.get("upkeep_remediation_actions_total", action="start_vm", trigger="event") == 1
    assert metrics.sum("upkeep_remediation_actions_total") == 1
    assert metrics.get("upkeep_remediation_action_duration_seconds_count", action="start_vm") == 1
    assert metrics.get("upkeep_remediation_reaction_seconds_count", action="start_vm") == 1
    assert metrics.sum("upkeep_remediation_action_failures_total") == 0
    assert metrics.get("upkeep_vm_transitions_total", vm="web1", to="shut_off", cause="crashed") == 1
    [(begin, end)] = upkeep.starts("web1")
    assert "start_vm begins: attempt 1, for vm_down shown by event" == begin["text"]
    assert end["text"].startswith("start_vm succeeded after "), end


def started(upkeep, times):
    """Waits until so many starts have ended; returns that scrape."""
    def ended():
        metrics = upkeep.metrics()
        done = metrics.get("upkeep_remediation_action_duration_seconds_count", action="start_vm")
        return done == times and metrics
    return wait_until(f"{times} starts to have ended", ended)


def test_twenty_kills(libvirtd, upkeep_for, record_property, capsys):
    """Measures the time from a death to the call that starts the guest again."""
    names = booted(libvirtd, *(f"vm{number:02}" for number in range(20)))
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, *names)
    killed = {}
    for number, name in enumerate(names, 1):
        killed[name] = time.time()
        runs_again(libvirtd, name, libvirtd.crash(name))
        metrics = started(upkeep, number)

    assert metrics.get("upkeep_remediation_actions_total", action="start_vm", trigger="event") == 20
    assert metrics.get("upkeep_remediation_reaction_seconds_count", action="start_vm") == 20
    # libvirtd itself takes 30 to 220 ms to tell of a death: it polls for the process to be gone.
    whole, own = [], []
    for name in names:
        [(begin, end)] = upkeep.starts(name)
        assert "succeeded" in end["text"]
        begun = seconds(begin["at"])
        [told] = upkeep.logged(f'msg="vm stopped" vm={name} ')
        whole.append(begun - killed[name])
        own.append(begun - seconds(told.split()[0].removeprefix("ts=")))
    mean = metrics.get("upkeep_remediation_reaction_seconds_sum", action="start_vm") / 20
    text = (f"20 kills: from kill -9 to the start call: median {milliseconds(whole)}, of which "
            f"upkeep's: median {milliseconds(own)}, mean by its histogram {mean * 1000:.0f} ms")
    record_property("reaction", text)
    with capsys.disabled():
        print(f"\n{text}")
    assert statistics.median(own) < 1


def seconds(moment):
    return datetime.fromisoformat(moment).timestamp()


def milliseconds(durations):
    return f"{statistics.median(durations) * 1000:.0f} ms (slowest {max(durations) * 1000:.0f})"


def test_panicked_guest_runs_again(libvirtd, upkeep_for):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1")
    dead = libvirtd.qemu_pid("web1")
    libvirtd.press("web1", "c")
    runs_again(libvirtd, "web1", dead)
    seen_running(upkeep, "web1")


def test_guest_that_is_preserved_after_its_panic_runs_again(libvirtd, upkeep_for):
    """libvirt keeps the dead QEMU, which has to go before the guest can be started."""
    booted(libvirtd, "web1", on_crash="preserve")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1")
    dead = libvirtd.qemu_pid("web1")
    libvirtd.press("web1", "c")
    runs_again(libvirtd, "web1", dead)
    seen_running(upkeep, "web1")
    assert libvirtd.state("web1")[0] == "running"


def test_guest_whose_qemu_got_sigterm_runs_again(libvirtd, upkeep_for):
    """What a stray `kill` or a service manager does is not the guest's wish."""
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1")
    pid = libvirtd.qemu_pid("web1")
    os.kill(pid, signal.SIGTERM)
    runs_again(libvirtd, "web1", pid)


def test_guest_that_reboots_is_left_alone(libvirtd, upkeep_for):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1")
    pid = libvirtd.qemu_pid("web1")
    libvirtd.press("web1", "r")
    wait_until("web1 to have booted twice",
               lambda: libvirtd.serial_of("web1").read_text(errors="replace").count("up") == 2)
    assert state_of(upkeep, "web1") == "running"
    assert actions(upkeep) == 0
    assert libvirtd.qemu_pid("web1") == pid


def test_guest_that_died_while_upkeep_was_away_runs_again(libvirtd, upkeep_for):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1")
    assert upkeep.stop() == 0
    dead = libvirtd.crash("web1")
    libvirtd.wait_state("web1", "shut off")
    upkeep.start()
    runs_again(libvirtd, "web1", dead)


def test_nothing_is_done_in_mode_observe(libvirtd, upkeep_for):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd, mode="observe").start()
    seen_running(upkeep, "web1")
    libvirtd.crash("web1")
    wait_until("upkeep to see it", lambda: state_of(upkeep, "web1") == "shut_off")
    stays_off(libvirtd, upkeep, "web1")
    why = upkeep.why("vm/web1")
    assert "observe" in " ".join([why["headline"], *why["facts"], *why["commands"]])
    assert upkeep.metric("upkeep_mode", mode="observe") == 1
    assert upkeep.metric("upkeep_remediation_decisions_total", rule="vm_down", decision="hold",
                         reason="observing") == 1


def test_dry_run_says_what_it_would_do(libvirtd, upkeep_for):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd, mode="dry-run").start()
    seen_running(upkeep, "web1")
    libvirtd.crash("web1")
    wait_until("the decision", lambda: upkeep.metric(
        "upkeep_remediation_decisions_total", rule="vm_down", decision="would_act") == 1)
    stays_off(libvirtd, upkeep, "web1")
    assert upkeep.vm("web1")["decision"]["verdict"] == "would_act"


def test_reloaded_mode_takes_effect(libvirtd, upkeep_for):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd, mode="observe").start()
    seen_running(upkeep, "web1")
    dead = libvirtd.crash("web1")
    wait_until("upkeep to see it", lambda: state_of(upkeep, "web1") == "shut_off")

    good = upkeep.config.read_text()
    upkeep.config.write_text("mode = act\n")
    upkeep.hang_up()
    wait_until("the bad file to be refused",
               lambda: upkeep.metric("upkeep_config_last_reload_successful") == 0)
    assert upkeep.metric("upkeep_mode", mode="observe") == 1

    upkeep.config.write_text(good.replace('mode = "observe"', 'mode = "act"'))
    upkeep.hang_up()
    runs_again(libvirtd, "web1", dead)
    assert upkeep.metric("upkeep_config_last_reload_successful") == 1
