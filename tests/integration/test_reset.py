"""A guest that hangs shows it to nobody but its users: an alert may ask for its reset."""

import pytest

from harness.alertmanager import Webhook, body, just_now
from harness.waiting import stays_so, wait_until
from steps import actions, booted, seen_running

CONFIG = """
[[vm]]
match = "*"
boot_timeout = "1s"

[[alert]]
alertname = "VMGuardDomainDown"
action = "reset_vm"
target_label = "domain"
"""


@pytest.fixture
def upkeep(libvirtd, upkeep_for):
    booted(libvirtd, "web-01")
    upkeep = upkeep_for(libvirtd, more=CONFIG)
    upkeep.config.write_text(upkeep.config.read_text().replace(
        "[policy]\n", '[policy]\nallowed_risk = "high"\n'))
    upkeep.start()
    seen_running(upkeep, "web-01")
    return upkeep


def boots(libvirtd):
    """How often the guest that runs has booted: it says so on its serial port."""
    return libvirtd.serial_of("web-01").read_text(errors="replace").count("up")


def outcome(upkeep, word):
    return upkeep.metric("upkeep_webhook_alerts_total", outcome=word)


def test_a_running_guest_is_reset_once_for_an_alert(libvirtd, upkeep):
    webhook, firing = Webhook(upkeep), body("firing-single")
    pid, before = libvirtd.qemu_pid("web-01"), boots(libvirtd)
    assert webhook.post(firing)[0] == 200
    wait_until("the guest to boot again", lambda: boots(libvirtd) == before + 1)
    assert libvirtd.qemu_pid("web-01") == pid
    wait_until("the reset to have ended", lambda: upkeep.metric(
        "upkeep_remediation_action_duration_seconds_count", action="reset_vm") == 1)
    assert outcome(upkeep, "acted") == 1
    told = [entry["text"] for entry in upkeep.history("vm/web-01")]
    assert "alert VMGuardDomainDown asks for reset_vm: reset_vm begins" in told
    assert any(text.startswith("reset_vm succeeded") for text in told), told

    # Sent again, and fired anew though the last reset was just now.
    assert webhook.post(firing)[0] == 200
    anew = body("firing-single")
    anew["alerts"][0]["startsAt"] = just_now()
    assert webhook.post(anew)[0] == 200
    wait_until("the second one to be held", lambda: outcome(upkeep, "held") == 1)
    stays_so("the guest alone", lambda: boots(libvirtd) == before + 1, 3.0)
    assert actions(upkeep) == 1
    assert upkeep.metric("upkeep_vm_wanted", vm="web-01") == 1


def test_a_guest_that_is_off_is_started_and_not_reset(libvirtd, upkeep):
    assert Webhook(upkeep).post(body("firing-single"))[0] == 200
    wait_until("its reset", lambda: outcome(upkeep, "acted") == 1)
    libvirtd.crash("web-01")
    wait_until("it to run again", lambda: libvirtd.qemu_pid("web-01"))
    wait_until("two actions", lambda: actions(upkeep) == 2)


def test_nothing_is_reset_where_high_risk_is_not_allowed(libvirtd, upkeep):
    upkeep.config.write_text(upkeep.config.read_text().replace('allowed_risk = "high"\n', ""))
    upkeep.restart()
    seen_running(upkeep, "web-01")
    before = boots(libvirtd)
    assert Webhook(upkeep).post(body("firing-single"))[0] == 200
    wait_until("the alert to be held", lambda: outcome(upkeep, "held") == 1)
    assert "risk_not_allowed" in upkeep.history("vm/web-01")[-1]["text"]
    assert boots(libvirtd) == before and actions(upkeep) == 0
