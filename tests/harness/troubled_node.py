"""A node that the demo is not: it has been down, its DRBD 9 resyncs, has lost a link, and can't all be
brought up."""

import contextlib
import time

from harness.daemon import Upkeep
from harness.drbd_tools import DrbdTools
from harness.node import Node
from harness.prometheus import free_port
from harness.waiting import wait_until

# What a dry run of `drbdadm adjust` shows for a resource that was never up.
ADJUST = """drbdsetup new-resource {0} 0
drbdsetup new-minor {0} {1} 0
drbdsetup new-peer {0} 1 --_name=beta
drbdsetup attach {1} /dev/vg/{0} /dev/vg/{0} internal
drbdsetup connect {0} 1
"""

CONFIG = """attempts_per_hour = 2

[[peer]]
name = "node1"
url = "{url}"
"""


class TroubledNode:
    """Started by `with`, and not before who watches `address` is there: its tries are soon used up.
    Its libvirt is the test driver, with a VM that nothing happens to."""

    def __init__(self, repository, directory, peer):
        self.repository, self.directory, self.peer = repository, directory, peer
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.upkeep = None
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _start(self, stack):
        self.directory.mkdir()
        node = Node(self.directory / "root")
        drbd = DrbdTools(node.root, self.directory / "drbd", ["r0", "cut", "between", "broken", "stubborn"])
        drbd.tell(*self._recorded(upto="done:30.86"))
        drbd.tell(*self._recorded(upto="replication:Established", name="cut"))
        drbd.tell(*self._recorded(upto="connection:Unconnected", name="between"))
        for minor, name in enumerate(("broken", "stubborn"), 11):
            drbd.answer(f"drbdadm -d adjust {name}", out=ADJUST.format(name, minor))
        drbd.answer("drbdadm adjust broken", rc=10, err="Failure: (119) No valid meta-data signature found.\n")
        drbd.answer("drbdadm adjust stubborn")  # says that all is well and does nothing
        # A life before this boot, in which it may touch nothing.
        with self._upkeep(node, drbd, "observe") as earlier:
            earlier.stop()
            stopped = int(time.time())
        # The kernel tells its boot in whole seconds.
        wait_until("the next second", lambda: time.time() >= stopped + 1)
        node.boot()
        self.upkeep = stack.enter_context(self._upkeep(node, drbd, "act"))
        wait_until("the link to be seen",
                   lambda: self.upkeep.metric("upkeep_drbd_connected", resource="cut") == 1)
        drbd.tell(*self._recorded(since="connection:Disconnecting", upto="connection:StandAlone", name="cut"))

    def _upkeep(self, node, drbd, mode):
        return Upkeep(self.repository, self.directory / "upkeep", node="node2", root=node.root, mode=mode,
                      uri="test:///default", drbd=drbd.config, port=self.port,
                      more=CONFIG.format(url=self.peer.instance()["public_url"]), first_gap="12s")

    def _recorded(self, upto, since="create resource", name="r0"):
        """What DRBD 9.2 said of r0 from one moment to another, of a resource of that name."""
        recording = (self.repository / "tests/fixtures/drbd/drbd92-events2-full.txt").read_text()
        lines = [line for line in recording.splitlines() if " name:r0 " in line]
        begin = next(at for at, line in enumerate(lines) if since in line)
        end = next(at for at, line in enumerate(lines) if at >= begin and upto in line)
        return [line.replace(" name:r0 ", f" name:{name} ") for line in lines[begin:end + 1]]
