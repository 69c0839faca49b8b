"""One VM, several nodes: started by one of them or by none."""

import subprocess
import types

import pytest

from harness.node import Node
from harness.prometheus import free_port
from harness.waiting import stays_so, wait_until

UUID = "6695eb01-f6a4-8304-79aa-97f2502e1931"
SHARED = """<disk type='network' device='disk'>
  <source protocol='rbd' name='pool/web1'><host name='ceph1' port='6789'/></source>
  <target dev='vda' bus='virtio'/>
</disk>"""
DOMAIN = """<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
  <name>web1</name><uuid>{uuid}</uuid><memory>65536</memory><vcpu>1</vcpu>
  <os><type>hvm</type></os>
  <devices>{disk}</devices>
  <test:runstate>{state}</test:runstate>
</domain>"""
OFF, RUNNING = 5, 1  # as libvirt's test driver counts
PEER = '\n[[peer]]\nname = "{}"\nurl = "http://127.0.0.1:{}"\n'
FAR_PEER = '\n[[peer]]\nname = "{}"\nurl = "http://{}:{}"\n'
KEEP_UP = '\n[[vm]]\nmatch = "web1"\nkeep = "up"\n'


@pytest.fixture
def node_for(upkeep_for, tmp_path):
    """Makes an upkeep on a machine of its own that has web1; it has not been started."""

    def make(name, port, disk=SHARED, state=OFF, more="", **options):
        home = tmp_path / name
        home.mkdir()
        (home / "web1.xml").write_text(DOMAIN.format(uuid=UUID, disk=disk, state=state))
        (home / "node.xml").write_text('<node><domain file="web1.xml"/></node>')
        libvirt = types.SimpleNamespace(uri=f"test://{home}/node.xml")
        return upkeep_for(libvirt, node=name, port=port, root=Node(home / "root").root, more=more,
                          **options)

    return make


class Host:
    """An address of another host, which can be there and gone: a host whose upkeep is only stopped
    refuses connections, and is not dead."""

    address = "198.18.93.2"

    def __init__(self):
        self.ip("route", "add", "unreachable", self.address)

    @staticmethod
    def ip(*words):
        subprocess.run(("ip", *words), check=True)

    def comes(self):
        self.ip("address", "add", self.address, "dev", "lo")

    def dies(self):
        self.ip("address", "del", self.address + "/32", "dev", "lo")

    def close(self):
        subprocess.run(("ip", "address", "del", self.address + "/32", "dev", "lo"), check=False,
                       stderr=subprocess.DEVNULL)
        self.ip("route", "del", "unreachable", self.address)


@pytest.fixture
def host():
    host = Host()
    yield host
    host.close()


def facts_of(upkeep):
    return " ".join(upkeep.why("vm/web1")["facts"])


def offers(upkeep, command):
    return command in upkeep.why("vm/web1")["commands"]


def test_what_two_nodes_want_is_started_by_neither_until_one_gives_it_up(node_for):
    ports = {"n1": free_port(), "n2": free_port()}
    first = node_for("n1", ports["n1"], more=KEEP_UP + PEER.format("n2", ports["n2"]))
    second = node_for("n2", ports["n2"], more=KEEP_UP + PEER.format("n1", ports["n1"]))
    first.spawn()
    second.spawn()
    for upkeep, other in ((first, "n2"), (second, "n1")):
        wait_until(f"{other}'s wish to be known",
                   lambda u=upkeep, o=other: f"{o} wants it too" in facts_of(u))
        assert "`upkeep mark web1 down` ends the wish" in facts_of(upkeep)
    stays_so("nobody starts it", lambda: not first.starts() and not second.starts(), 8)
    first.cli("mark", "web1", "down")
    wait_until("n2 to start it", second.starts)
    assert not first.starts()


def test_what_is_wanted_by_one_of_two_is_started_there(node_for):
    ports = {"n1": free_port(), "n2": free_port()}
    first = node_for("n1", ports["n1"], more=PEER.format("n2", ports["n2"])).start()
    second = node_for("n2", ports["n2"], more=PEER.format("n1", ports["n1"])).start()
    wait_until("them to hear each other", lambda: first.metric("upkeep_peer_up", peer="n2") == 1)
    first.cli("mark", "web1", "up")
    wait_until("n1 to start it", first.starts)
    assert not second.starts()


def test_its_own_answer_is_not_taken_for_a_peers(node_for):
    port = free_port()
    upkeep = node_for("n1", port, more=KEEP_UP + PEER.format("n2", port)).start()
    wait_until("the answer to be refused",
               lambda: f"http://127.0.0.1:{port}: this node itself answers there" in facts_of(upkeep))
    assert upkeep.metric("upkeep_peer_up", peer="n2") == 0
    assert upkeep.logged("not taken for it")
    checked = upkeep.cli("check", check=False)
    assert "this node itself listens" in checked.stdout
    stays_so("it is not started", lambda: not upkeep.starts(), 6)


def test_a_third_nodes_answer_is_not_taken_for_a_peers(node_for):
    ports = {"n1": free_port(), "n3": free_port()}
    node_for("n3", ports["n3"]).start()
    upkeep = node_for("n1", ports["n1"], more=KEEP_UP + PEER.format("n2", ports["n3"])).start()
    wait_until("the answer to be refused",
               lambda: "answers as n3, but [[peer]] calls it n2" in facts_of(upkeep))
    refused = upkeep.cli("peer", "declare-dead", "n2", check=False)
    assert refused.returncode != 0 and "its host is there" in refused.stderr
    stays_so("it is not started", lambda: not upkeep.starts(), 6)


def test_a_dead_peers_silence_holds_until_it_is_declared_dead(node_for, host):
    upkeep = node_for("n1", free_port(), more=KEEP_UP + FAR_PEER.format("n2", host.address, 9893))
    upkeep.start()
    wait_until("it to be held", lambda: offers(upkeep, "upkeep peer declare-dead n2"))
    assert "n2 does not say what runs there" in facts_of(upkeep)
    upkeep.restart()
    assert not upkeep.starts()
    upkeep.cli("peer", "declare-dead", "n2")
    wait_until("it to be started", upkeep.starts)


def test_a_node_whose_upkeep_is_stopped_is_not_dead(node_for):
    ports = {"n1": free_port(), "n2": free_port()}
    upkeep = node_for("n1", ports["n1"], more=KEEP_UP + PEER.format("n2", ports["n2"])).start()
    wait_until("it to be held", lambda: "n2 does not say what runs there" in facts_of(upkeep))
    assert not offers(upkeep, "upkeep peer declare-dead n2")
    refused = upkeep.cli("peer", "declare-dead", "n2", check=False)
    assert refused.returncode != 0
    assert not upkeep.starts()


def test_what_ran_on_a_dead_node_comes_back_when_that_is_declared_dead(node_for, host, tmp_path):
    image = tmp_path / "web1.img"
    image.write_bytes(bytes(4096))
    local = f"<disk type='file'><source file='{image}'/><target dev='vda' bus='virtio'/></disk>"
    ports = {"n1": free_port(), "n2": free_port()}
    host.comes()
    node_for("n2", ports["n2"], disk=local, state=RUNNING, address=host.address).start()
    there = FAR_PEER.format("n2", host.address, ports["n2"])
    upkeep = node_for("n1", ports["n1"], disk=local, more=there).start()
    wait_until("n1 to know where it is", lambda: "moved_away" in facts_of(upkeep))
    host.dies()
    upkeep.cli("mark", "web1", "up")
    wait_until("n2 to be silent for long", lambda: offers(upkeep, "upkeep peer declare-dead n2"))
    assert "it was active on n2 when that last answered" in facts_of(upkeep)
    # Another daemon has never heard n2; the ledger knows that the VM went away.
    upkeep.restart()
    wait_until("it to be held", lambda: offers(upkeep, "upkeep peer declare-dead n2"))
    assert "it moved to another node" in facts_of(upkeep)
    assert not upkeep.starts()
    upkeep.cli("peer", "declare-dead", "n2")
    wait_until("it to be started", upkeep.starts)


def test_who_only_observes_still_keeps_it_off_elsewhere_and_is_named_with_the_way_out(node_for):
    ports = {"n1": free_port(), "n2": free_port()}
    watcher = node_for("n1", ports["n1"], mode="observe",
                       more=KEEP_UP + PEER.format("n2", ports["n2"])).start()
    upkeep = node_for("n2", ports["n2"], more=KEEP_UP + PEER.format("n1", ports["n1"])).start()
    wait_until("n1's wish to be known",
               lambda: "n1 wants it too, though upkeep there starts nothing (mode observe): "
                       "`upkeep mark web1 down` on n1 ends that wish" in facts_of(upkeep))
    stays_so("nobody starts it", lambda: not upkeep.starts(), 3)
    watcher.cli("mark", "web1", "down")
    wait_until("n2 to start it", upkeep.starts)
    assert not watcher.starts()


def test_a_domain_on_one_side_makes_no_other_node(node_for):
    ports = {"n1": free_port(), "n2": free_port()}
    upkeep = node_for("n1", ports["n1"], more=PEER.format("N2.example", ports["n2"])).start()
    node_for("n2", ports["n2"], more=PEER.format("n1.example", ports["n1"])).start()
    wait_until("n2 to be heard", lambda: upkeep.metric("upkeep_peer_up", peer="N2.example") == 1)
    refused = upkeep.cli("peer", "declare-dead", "n2", check=False)
    assert "N2.example is not dead: upkeep answers on it" in refused.stderr
    assert "calls itself" not in upkeep.cli("status", "--cluster").stdout
    upkeep.cli("mark", "web1", "up")
    wait_until("n1 to start it", upkeep.starts)


def test_names_that_may_be_one_nodes_are_told_and_work_as_they_did(node_for):
    ports = {"n2": free_port(), "n2.b": free_port()}
    blocks = (PEER.format("n1.b", free_port()) + PEER.format("n2", ports["n2"])
              + PEER.format("n2.b", ports["n2.b"]))
    upkeep = node_for("n1", free_port(), more=blocks).start()
    for name, port in ports.items():
        node_for(name, port).start()
    for name in ports:
        wait_until(f"{name} to be heard", lambda n=name: upkeep.metric("upkeep_peer_up", peer=n) == 1)
    assert upkeep.logged("n1.b may be this node itself, n1:")
    assert upkeep.logged("n2 and n2.b may be one node")


def test_an_emptied_node_holds_what_left_it_unseen_until_it_is_given_up(node_for, tmp_path):
    ports = {"n1": free_port(), "n2": free_port()}
    emptied = node_for("n1", ports["n1"]).start()
    emptied.cli("mark", "web1", "up")
    emptied.stop()
    (tmp_path / "n1" / "node.xml").write_text("<node/>")
    emptied.spawn()
    upkeep = node_for("n2", ports["n2"], more=KEEP_UP + PEER.format("n1", ports["n1"])).start()
    wait_until("n1's wish to be known", lambda: "n1 wants it too" in facts_of(upkeep))
    assert not upkeep.starts()
    emptied.cli("mark", "web1", "down")
    wait_until("n2 to start it", upkeep.starts)
