"""DRBD 9 in states that no kernel here can be brought into: a scripted drbdsetup tells them."""

import pytest

from harness.daemon import Upkeep
from harness.drbd_tools import DrbdTools
from harness.node import Node
from harness.waiting import stays_so, wait_until

RESOURCE = "resource name:r0 role:{role} suspended:{suspended} force-io-failures:no " \
           "write-ordering:flush may_promote:no promotion_score:10101"
DEVICE = "device name:r0 volume:0 minor:10 backing_dev:{backing} disk:{disk} client:{client} " \
         "quorum:{quorum} size:131032 read:7 written:33280 al-writes:0 bm-writes:1 " \
         "upper-pending:0 lower-pending:0 al-suspended:no blocked:no"
CONNECTION = "connection name:r0 peer-node-id:{node} conn-name:{peer} connection:{state} " \
             "role:{role} congested:no ap-in-flight:0 rs-in-flight:0"
PEER_DEVICE = "peer-device name:r0 peer-node-id:{node} conn-name:{peer} volume:0 " \
              "replication:{replication} peer-disk:{disk} peer-client:no resync-suspended:no " \
              "{progress}received:0 sent:0 out-of-sync:{missing} pending:0 unacked:0{speed}"


def resource(verb, role="Secondary", suspended="no"):
    return f"{verb} " + RESOURCE.format(role=role, suspended=suspended)


def device(verb, disk="UpToDate", client="no", quorum="yes", backing="/dev/vg/r0"):
    return f"{verb} " + DEVICE.format(disk=disk, client=client, quorum=quorum, backing=backing)


def link(verb, peer="beta", node=1, state="Connected", role="Secondary"):
    return f"{verb} " + CONNECTION.format(peer=peer, node=node, state=state, role=role)


def copy(verb, peer="beta", node=1, replication="Established", disk="UpToDate", missing=0,
         progress="", speed=""):
    return f"{verb} " + PEER_DEVICE.format(peer=peer, node=node, replication=replication, disk=disk,
                                           missing=missing, progress=progress, speed=speed)


def connected(peer="beta", node=1):
    return [link("create", peer, node), copy("create", peer, node)]


def gone(peer="beta", node=1, state="Connecting"):
    return [link("change", peer, node, state, "Unknown"),
            copy("change", peer, node, "Off", "DUnknown")]


@pytest.fixture
def drbd(tmp_path):
    return DrbdTools(Node(tmp_path / "root").root, tmp_path / "drbd", ["r0"])


@pytest.fixture
def mode():
    return "act"


@pytest.fixture
def upkeep(repository, tmp_path, drbd, mode):
    """Not started: first comes what DRBD says. There is no libvirtd, which is no matter to DRBD."""
    upkeep = Upkeep(repository, tmp_path, uri="qemu+unix:///system?socket=/nonexistent",
                    root=drbd.root, drbd=drbd.config, mode=mode)
    yield upkeep
    upkeep.__exit__()
    print(upkeep.log())


def shows(upkeep, name, value, **labels):
    wait_until(f"{name}{labels} to be {value}",
               lambda: upkeep.metric(name, resource="r0", **labels) == value)


def diverge(drbd, upkeep, peer="beta", node=1):
    drbd.log(f"drbd r0/0 drbd10 {peer}: Split-Brain detected but unresolved, dropping connection!",
             f"drbd r0 {peer}: conn( Connected -> Disconnecting ) [split-brain]",
             f"drbd r0 {peer}: conn( Disconnecting -> StandAlone ) [disconnected]")
    drbd.tell(*gone(peer, node, "Disconnecting"), *gone(peer, node, "StandAlone"))
    shows(upkeep, "upkeep_drbd_split_brain", 1)


def test_quorum_lost_and_found(drbd, upkeep):
    drbd.tell(resource("create", "Primary"), device("create"), *connected())
    upkeep.start()
    shows(upkeep, "upkeep_drbd_device_quorum", 1)
    shows(upkeep, "upkeep_drbd_suspended", 0, reason="quorum")
    drbd.tell(*gone(), device("change", quorum="no"), resource("change", "Primary", "quorum"))
    shows(upkeep, "upkeep_drbd_suspended", 1, reason="quorum")
    shows(upkeep, "upkeep_drbd_device_quorum", 0)
    shows(upkeep, "upkeep_drbd_connected", 0, peer="beta")
    assert "r0: I/O is suspended: quorum" in upkeep.cli("drbd", "status").stdout
    stays_so("no order while quorum is lost", lambda: not drbd.orders(), 2)
    drbd.tell(link("change"), copy("change"), device("change"), resource("change", "Primary"))
    shows(upkeep, "upkeep_drbd_suspended", 0, reason="quorum")
    shows(upkeep, "upkeep_drbd_connected", 1, peer="beta")
    assert not drbd.orders()


def test_three_nodes_of_which_one_diverged(drbd, upkeep):
    drbd.tell(resource("create"), device("create"), *connected(), *connected("gamma", 2))
    upkeep.start()
    shows(upkeep, "upkeep_drbd_connected", 1, peer="gamma")
    diverge(drbd, upkeep, "gamma", 2)
    shows(upkeep, "upkeep_drbd_link_loss_info", 1, peer="gamma", cause="split_brain")
    shows(upkeep, "upkeep_drbd_connected", 1, peer="beta")
    assert upkeep.metric("upkeep_drbd_link_loss_info", peer="beta") is None
    stays_so("no order after a split brain", lambda: not drbd.orders(), 2)

    # Started again, the daemon saw nothing of it; the kernel log did.
    upkeep.restart()
    shows(upkeep, "upkeep_drbd_link_loss_info", 1, peer="gamma", cause="split_brain")
    status = upkeep.cli("drbd", "status").stdout
    assert "SPLIT BRAIN" in status and "link to gamma given up, cause split_brain" in status
    assert not drbd.orders()


def test_split_brain_outlasts_the_daemon_and_the_kernel_log(drbd, upkeep):
    drbd.tell(resource("create"), device("create"), *connected())
    upkeep.start()
    shows(upkeep, "upkeep_drbd_split_brain", 0)
    drbd.log("drbd r0/0 drbd10 beta: Split-Brain detected but unresolved, dropping connection!")
    drbd.tell(*gone(state="StandAlone"))
    shows(upkeep, "upkeep_drbd_split_brain", 1)
    (drbd.root / "dev/kmsg").write_text("")
    upkeep.restart()
    shows(upkeep, "upkeep_drbd_split_brain", 1)
    assert "SPLIT BRAIN" in upkeep.cli("drbd", "status").stdout
    stays_so("no order after a split brain", lambda: not drbd.orders(), 2)
    # Somebody resolved it: sides that diverged don't replicate.
    drbd.tell(link("change"), copy("change"))
    shows(upkeep, "upkeep_drbd_split_brain", 0)


def test_newest_tools_tell_of_a_split_brain_that_nobody_saw(drbd, upkeep):
    says_so = link("create", state="StandAlone", role="Unknown").replace(
        " congested:", " sync-state:SplitBrain congested:")
    drbd.tell(resource("create", "Primary"), device("create"), says_so,
              copy("create", replication="Off", disk="DUnknown"))
    upkeep.start()
    shows(upkeep, "upkeep_drbd_split_brain", 1)
    shows(upkeep, "upkeep_drbd_link_loss_info", 1, peer="beta", cause="split_brain")
    assert upkeep.metric("upkeep_source_unparsed_total", source="drbd") == 0
    assert not drbd.orders()


@pytest.mark.parametrize("mode", ["observe"])
def test_changes_are_given_up_only_when_a_person_says_so(drbd, upkeep):
    drbd.tell(resource("create", "Primary"), device("create"), *connected())
    upkeep.start()
    diverge(drbd, upkeep)
    resolve = ("drbd", "resolve", "r0", "--discard-local")
    confirmed = (*resolve, "--yes-discard-data-on", "node1", "--reason", "it served nobody")

    refused = upkeep.cli(*confirmed, check=False)
    assert refused.returncode == 1 and "r0 is Primary here" in refused.stderr
    drbd.tell(resource("change"))
    shows(upkeep, "upkeep_drbd_resource_role", 1, role="Secondary")
    unconfirmed = upkeep.cli(*resolve, check=False)
    assert unconfirmed.returncode == 1 and "--yes-discard-data-on node1" in unconfirmed.stderr
    elsewhere = upkeep.cli(*resolve, "--yes-discard-data-on", "beta", check=False)
    assert elsewhere.returncode == 1 and "this node is node1, not beta" in elsewhere.stderr
    assert not drbd.orders()

    drbd.answer("drbdadm connect --discard-my-data r0",
                lines=[link("change", state="Connecting", role="Unknown")])
    done = upkeep.cli(*confirmed)
    assert "on beta: upkeep drbd resolve r0 --keep-local" in done.stdout, done.stdout
    assert drbd.orders() == ["drbdadm connect --discard-my-data r0"]
    history = upkeep.cli("history", "--target", "resource/r0").stdout
    assert "changes are given up: it served nobody" in history
    assert "resolve_split_brain succeeded" in history
    # This copy is stale until the sides are one.
    shows(upkeep, "upkeep_drbd_split_brain", 1)
    drbd.log("drbd r0 beta: conn( StandAlone -> Unconnected ) [connect]",
             "drbd r0 beta: conn( Unconnected -> Connecting ) [connecting]",
             "drbd r0 beta: conn( Connecting -> Connected ) peer( Unknown -> Primary ) [connected]")
    drbd.tell(link("change", role="Primary"), copy("change", replication="SyncTarget"))
    shows(upkeep, "upkeep_drbd_split_brain", 0)


def test_who_was_primary_last_is_known_to_the_next_daemon(drbd, upkeep):
    drbd.tell(resource("create"), device("create"), link("create", role="Primary"), copy("create"))
    upkeep.start()
    shows(upkeep, "upkeep_drbd_resource_role", 1, role="Secondary")
    drbd.tell(link("change"), resource("change", "Primary"))
    shows(upkeep, "upkeep_drbd_resource_role", 1, role="Primary")
    diverge(drbd, upkeep)
    upkeep.kill()
    drbd.tell(resource("change"))
    upkeep.start()
    shows(upkeep, "upkeep_drbd_resource_role", 1, role="Secondary")
    facts = upkeep.why("resource/r0")["facts"]
    assert any(fact.startswith("here: last seen Primary here on ") and
               fact.endswith("what it was right after that, nobody here saw") for fact in facts), facts
    assert any(fact.startswith("there: beta: last seen Primary from here on ") and
               fact.endswith("then Secondary, while both sides were connected")
               for fact in facts), facts
    shown = upkeep.cli("drbd", "resolve", "r0", "--discard-local", check=False)
    assert "last seen Primary here on " in shown.stdout + shown.stderr
    assert not drbd.orders()


def test_among_three_nodes_the_kept_side_connects_what_was_given_up(drbd, upkeep):
    drbd.tell(resource("create", "Primary"), device("create"), *connected(),
              *connected("gamma", 2))
    upkeep.start()
    diverge(drbd, upkeep, "gamma", 2)
    drbd.tell(resource("change"))
    lost = upkeep.cli("drbd", "resolve", "r0", "--discard-local", "--yes-discard-data-on", "node1",
                      check=False)
    assert lost.returncode == 1 and "r0 is connected to beta" in lost.stderr
    assert not drbd.orders()

    drbd.answer("drbdadm connect r0:gamma", rc=10, err="IP 10.0.0.1 not found on this host.\n")
    failed = upkeep.cli("drbd", "resolve", "r0", "--keep-local", "--yes", check=False)
    assert failed.returncode == 1 and "not found on this host" in failed.stderr
    shows(upkeep, "upkeep_drbd_split_brain", 1)
    drbd.answer("drbdadm connect r0:gamma",
                lines=[link("change", "gamma", 2, "Connecting", "Unknown")])
    done = upkeep.cli("drbd", "resolve", "r0", "--keep-local", "--yes")
    assert "on gamma: upkeep drbd resolve r0 --discard-local" in done.stdout
    assert drbd.orders() == ["drbdadm connect r0:gamma"] * 2
    # The person's word counts, though gamma isn't there yet; what comes later is new.
    shows(upkeep, "upkeep_drbd_split_brain", 0)
    diverge(drbd, upkeep, "gamma", 2)


def test_an_operators_disconnect_is_left_alone(drbd, upkeep):
    drbd.tell(resource("create"), device("create"), *connected())
    upkeep.start()
    drbd.log("drbd r0 beta: conn( Connected -> Disconnecting ) peer( Secondary -> Unknown ) [disconnect]",
             "drbd r0 beta: conn( Disconnecting -> StandAlone ) [disconnected]")
    drbd.tell(*gone(state="Disconnecting"), *gone(state="StandAlone"))
    shows(upkeep, "upkeep_drbd_link_loss_info", 1, cause="disconnected_by_operator")
    stays_so("no order against the operator's", lambda: not drbd.orders(), 3)


def test_an_intended_client_is_not_repaired(drbd, upkeep):
    drbd.tell(resource("create"), device("create", "Diskless", "yes", backing="none"), *connected())
    upkeep.start()
    wait_until("the disk's state", lambda: upkeep.metrics().states(
        "upkeep_drbd_device_state", "state", resource="r0") == ["Diskless"])
    assert upkeep.metric("upkeep_drbd_device_client", resource="r0", volume="0") == 1
    stays_so("no order for a client", lambda: not drbd.orders(), 3)


def test_progress_of_a_resync(drbd, upkeep):
    drbd.tell(resource("create", "Primary"), device("create"), link("create"),
              copy("create", replication="SyncSource", disk="Inconsistent", missing=236500,
                   progress="done:9.77 ", speed=" dbdt1:8.27 eta:28"))
    upkeep.start()
    labels = {"peer": "beta", "volume": "0"}
    shows(upkeep, "upkeep_drbd_out_of_sync_bytes", 236500 * 1024, **labels)
    shows(upkeep, "upkeep_drbd_resync_eta_seconds", 28, **labels)
    metrics = upkeep.metrics()
    assert metrics.get("upkeep_drbd_resync_done_ratio", **labels) == pytest.approx(0.0977)
    assert metrics.get("upkeep_drbd_resync_speed_bytes", **labels) == pytest.approx(8.27 * 1024 ** 2)
    assert metrics.get("upkeep_drbd_device_written_bytes_total", resource="r0") == 33280 * 1024
    drbd.tell(copy("change"))
    wait_until("the resync to be over", lambda: upkeep.metric(
        "upkeep_drbd_resync_eta_seconds", **labels) is None)


def test_a_configured_resource_is_brought_up(drbd, upkeep):
    drbd.answer("drbdadm -d adjust r0", out="drbdsetup new-resource r0 0\n"
                "drbdsetup new-minor r0 10 0\ndrbdsetup new-peer r0 1 --_name=beta\n"
                "drbdsetup attach 10 /dev/vg/r0 /dev/vg/r0 internal\ndrbdsetup connect r0 1\n")
    drbd.answer("drbdadm adjust r0", lines=[
        resource("create"), device("create"), link("create", state="StandAlone", role="Unknown"),
        copy("create", replication="Off", disk="DUnknown"),
        link("change", state="Connecting", role="Unknown"), link("change"), copy("change")])
    upkeep.start()
    shows(upkeep, "upkeep_drbd_connected", 1, peer="beta")
    assert drbd.orders() == ["drbdadm adjust r0"]
