"""Each kind of action that an alert may ask for, done because an alert asked for it."""

from harness.alertmanager import Webhook, alert_about
from harness.drbd_tools import DrbdTools
from harness.node import Node
from harness.waiting import stays_so, wait_until
from steps import LONG_ENOUGH_TO_ACT, actions, booted, disk, fill, seen_running, sparse_image
from test_drbd9 import copy, device, link, resource

CONFIG = """
[[vm]]
match = "keeps*"
act_on = "alerts"
keep_disks = true

[[vm]]
match = "*"
act_on = "alerts"

[[alert]]
alertname = "GuestPaused"
action = "resume_vm"
target_label = "vm"

[[alert]]
alertname = "DiskLost"
action = "reattach_disks"
target_label = "vm"

[[alert]]
alertname = "LinkGivenUp"
action = "reconnect_drbd"
target_label = "resource"

[[alert]]
alertname = "SomethingChanged"
action = "recheck"
"""

SCSI = "    <controller type='scsi' model='virtio-scsi'/>\n"
MIB = 1024 * 1024


def waits_for_an_alert(upkeep, rule):
    """It sees the problem and leaves it alone."""
    wait_until(f"{rule} to be held back", lambda: upkeep.metric(
        "upkeep_remediation_decisions_total", rule=rule, decision="hold",
        reason="not_allowed_to_act") == 1)
    stays_so("no action without an alert", lambda: actions(upkeep) == 0, LONG_ENOUGH_TO_ACT)


def acted_once(upkeep, target, action, alert):
    """The one action there was: an alert's, done, and told in each place where people look."""
    wait_until(f"{action} to have ended", lambda: upkeep.metric(
        "upkeep_remediation_action_duration_seconds_count", action=action) == 1)
    metrics = upkeep.metrics()
    assert metrics.get("upkeep_remediation_actions_total", action=action, trigger="webhook") == 1
    assert metrics.sum("upkeep_remediation_actions_total") == 1
    assert metrics.sum("upkeep_remediation_action_failures_total") == 0
    assert metrics.get("upkeep_webhook_alerts_total", outcome="acted") == 1
    assert metrics.sum("upkeep_webhook_alerts_total") == 1
    story = [(entry["kind"], entry["text"]) for entry in upkeep.history(target)]
    assert ("alert", f"alert {alert}: {action} begins") in story, story
    [begin] = [text for kind, text in story if kind == "begin"]
    assert begin.startswith(f"{action} begins: attempt 1, for ")
    assert begin.endswith(" shown by webhook"), begin
    [end] = [text for kind, text in story if kind == "end"]
    assert end.startswith(f"{action} succeeded after "), end


def disk_errors(upkeep, name):
    """What is known of each of its disks; nothing of those that nobody asked about."""
    known = {target: upkeep.metric("upkeep_vm_disk_error", vm=name, target=target)
             for target in ("vda", "vdb")}
    return {target: error for target, error in known.items() if error is not None}


def test_an_alert_resumes_a_guest_that_an_io_error_paused(libvirtd_above, upkeep_for,
                                                          small_filesystem):
    """The filesystem below a sparse disk is full, as happens to whoever gives out more than he has."""
    libvirtd = libvirtd_above
    image = sparse_image(small_filesystem)
    booted(libvirtd, "web1", devices=disk(image))
    upkeep = upkeep_for(libvirtd, more=CONFIG).start()
    seen_running(upkeep, "web1")
    fill(small_filesystem)
    libvirtd.press("web1", "w")
    wait_until("web1 to be paused", lambda: libvirtd.state("web1") == ("paused", "I/O error"))
    waits_for_an_alert(upkeep, "vm_paused_io")
    # Asked for by libvirt's slow connection; the disk the guest boots from is well.
    wait_until("upkeep to tell which disk failed", lambda: disk_errors(upkeep, "web1") == {
        "vda": 0, "vdb": 1})
    assert "w" not in libvirtd.serial_of("web1").read_text()

    (small_filesystem / "filler").unlink()
    pid = libvirtd.qemu_pid("web1")
    assert Webhook(upkeep).post(alert_about("GuestPaused", vm="web1")) == (200, "alerts: 1 queued\n")
    libvirtd.wait_state("web1", "running")
    wait_until("the guest's write to be there", lambda: "w" in libvirtd.serial_of("web1").read_text())
    # It went on where it was, and nothing of what it wrote is lost.
    assert libvirtd.qemu_pid("web1") == pid
    assert image.read_bytes()[:512] == libvirtd.disk_of("web1").read_bytes()[:512]
    acted_once(upkeep, "vm/web1", "resume_vm", "GuestPaused asks for resume_vm")
    # QEMU keeps telling of the error it had; the guest has no disk that fails now.
    assert disk_errors(upkeep, "web1") == {}


def attached(libvirtd, name):
    """Which of its disks the running guest has."""
    return {line.split()[0] for line in libvirtd.virsh("domblklist", name).stdout.splitlines()}


def gets_its_disk_back(libvirtd, upkeep, name, target):
    assert attached(libvirtd, name) == {"vda"}
    wait_until("upkeep to miss the disk", lambda: upkeep.metric(
        "upkeep_vm_disk_attached", vm=name, target=target) == 0)
    waits_for_an_alert(upkeep, "vm_disk_missing")
    pid = libvirtd.qemu_pid(name)
    assert Webhook(upkeep).post(alert_about("DiskLost", vm=name)) == (200, "alerts: 1 queued\n")
    wait_until("the disk to be back", lambda: attached(libvirtd, name) == {"vda", target})
    wait_until("upkeep to see it", lambda: upkeep.metric(
        "upkeep_vm_disk_attached", vm=name, target=target) == 1)
    acted_once(upkeep, f"vm/{name}", "reattach_disk", "DiskLost asks for reattach_disks")
    assert libvirtd.qemu_pid(name) == pid
    # What QEMU has, and not only what libvirt wrote down.
    blocks = libvirtd.virsh("qemu-monitor-command", name, "--hmp", "info block").stdout
    assert f"{name}-data.img" in blocks, blocks


def data_disk(libvirtd, name):
    return libvirtd.root / "images" / f"{name}-data.img"


def test_an_alert_has_a_disk_attached_again_that_was_unplugged(libvirtd, upkeep_for):
    image = data_disk(libvirtd, "keeps1")
    image.write_bytes(bytes(MIB))
    # A SCSI disk goes at once; a virtio one only with the guest's consent, and this guest says nothing.
    booted(libvirtd, "keeps1", devices=SCSI + disk(image, "sda", "scsi"))
    upkeep = upkeep_for(libvirtd, more=CONFIG).start()
    seen_running(upkeep, "keeps1")
    libvirtd.virsh("detach-disk", "keeps1", "sda", "--live")
    gets_its_disk_back(libvirtd, upkeep, "keeps1", "sda")


def test_an_alert_has_a_disk_attached_that_was_missing_when_its_guest_started(libvirtd, upkeep_for):
    """libvirt dropped it and said so: a loss, without any keep_disks. Its PCI address stays taken."""
    image = data_disk(libvirtd, "web1")
    libvirtd.define("web1", devices=disk(image, policy=" startupPolicy='optional'"))
    upkeep = upkeep_for(libvirtd, more=CONFIG).start()
    libvirtd.boot("web1")
    seen_running(upkeep, "web1")
    image.write_bytes(bytes(MIB))
    gets_its_disk_back(libvirtd, upkeep, "web1", "vdb")


def test_an_alert_reconnects_a_resource_that_drbd_gave_up(tmp_path, upkeep_for, libvirtd):
    """upkeep has just been started and can't ask DRBD yet: the alert knows first."""
    drbd = DrbdTools(Node(tmp_path / "root").root, tmp_path / "drbd", ["r0"])
    drbd.fall_silent()
    upkeep = upkeep_for(libvirtd, more=CONFIG, root=drbd.root, drbd=drbd.config)
    upkeep.spawn()
    wait_until("upkeep to live", lambda: upkeep.get("/-/healthy")[0] == 200)
    assert Webhook(upkeep).post(alert_about("LinkGivenUp", resource="r0")) == (
        200, "alerts: 1 queued\n")
    # A bring-up that somebody cut short: never connected, never refused.
    drbd.log("drbd r0: Starting worker thread (from drbdsetup [4711])")
    drbd.tell(resource("create"), device("create"), link("create", state="StandAlone", role="Unknown"),
              copy("create", replication="Off", disk="DUnknown"))
    drbd.answer("drbdadm connect r0", lines=[
        link("change", state="Connecting", role="Unknown"), link("change"), copy("change")])
    drbd.speak()
    # Whoever brings it up may still be at it: what is half up is left alone for 30 s.
    wait_until("r0 to be connected", lambda: upkeep.metric(
        "upkeep_drbd_connected", resource="r0", peer="beta") == 1)
    assert drbd.orders() == ["drbdadm connect r0"]
    acted_once(upkeep, "resource/r0", "reconnect_resource", "LinkGivenUp asks for reconnect_drbd")


def test_an_alert_has_everything_read_again(libvirtd, upkeep_for):
    """libvirt tells nobody of an autostart flag: only who reads all of it again sees it."""
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd, more=CONFIG)
    text = upkeep.config.read_text()
    upkeep.config.write_text(text.replace("[libvirt]\n", '[libvirt]\nresync_interval = "1h"\n'))
    upkeep.start()
    seen_running(upkeep, "web1")

    def autostart():
        return upkeep.metric("upkeep_vm_libvirt_autostart", vm="web1")

    def unseen():
        """The flag changed, and what upkeep still takes it for."""
        known = autostart()
        libvirtd.virsh("autostart", "web1", *(["--disable"] if known else []))
        stays_so("what upkeep knows", lambda: autostart() == known, LONG_ENOUGH_TO_ACT)
        return [known]
    # When it starts upkeep reads everything twice: a change before the second time is seen.
    [known] = wait_until("a change that nobody sees", unseen)
    assert Webhook(upkeep).post(alert_about("SomethingChanged")) == (
        200, "alerts: 1 rechecked, 0 queued\n")
    wait_until("the flag to be seen", lambda: autostart() == 1 - known)
    wait_until("it to be counted", lambda: upkeep.metric(
        "upkeep_webhook_alerts_total", outcome="rechecked") == 1)
    assert actions(upkeep) == 0
    assert [entry["text"] for entry in upkeep.history() if entry["kind"] == "alert"] == [
        "alert SomethingChanged asks for recheck: everything is read again"]
