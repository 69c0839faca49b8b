"""One VM, several nodes: started by one of them or by none."""

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
  <test:runstate>5</test:runstate>
</domain>"""
PEER = '\n[[peer]]\nname = "{}"\nurl = "http://127.0.0.1:{}"\n'
KEEP_UP = '\n[[vm]]\nmatch = "web1"\nkeep = "up"\n'


@pytest.fixture
def node_for(upkeep_for, tmp_path):
    """Makes an upkeep on a machine of its own with web1, which is off; it has not been started."""

    def make(name, port, disk=SHARED, more=""):
        home = tmp_path / name
        home.mkdir()
        (home / "web1.xml").write_text(DOMAIN.format(uuid=UUID, disk=disk))
        (home / "node.xml").write_text('<node><domain file="web1.xml"/></node>')
        libvirt = types.SimpleNamespace(uri=f"test://{home}/node.xml")
        return upkeep_for(libvirt, node=name, port=port, root=Node(home / "root").root, more=more)

    return make


def facts_of(upkeep):
    return " ".join(upkeep.why("vm/web1")["facts"])


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
    assert refused.returncode != 0 and "answers at its URL" in refused.stderr
    stays_so("it is not started", lambda: not upkeep.starts(), 6)
