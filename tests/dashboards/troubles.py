"""A node that the demo is not: it has been down, its DRBD 9 resyncs, and not all of it can be mended."""

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


class TroubledNode(contextlib.ExitStack):
    """Started by `with`, and not before who watches `address` is there: its tries are soon used up.
    There is no libvirtd, which is no matter to DRBD."""

    def __init__(self, repository, directory, peer):
        super().__init__()
        self.repository, self.directory, self.peer = repository, directory, peer
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"

    def __enter__(self):
        super().__enter__()
        self.directory.mkdir()
        node = Node(self.directory / "root")
        drbd = DrbdTools(node.root, self.directory / "drbd", ["r0", "broken", "stubborn"])
        drbd.tell(*self._recorded_resync())
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
        self.enter_context(self._upkeep(node, drbd, "act"))
        return self

    def _upkeep(self, node, drbd, mode):
        return Upkeep(self.repository, self.directory / "upkeep", node="node2", root=node.root, mode=mode,
                      uri="qemu+unix:///system?socket=/nonexistent", drbd=drbd.config, port=self.port,
                      more=CONFIG.format(url=self.peer.instance()["public_url"]), first_gap="5s")

    def _recorded_resync(self):
        """DRBD 9.2's own words, up to the middle of a resync of r0."""
        lines = (self.repository / "tests/fixtures/drbd/drbd92-events2-full.txt").read_text().splitlines()
        middle = next(at for at, line in enumerate(lines) if "name:r0 " in line and "done:30.86" in line)
        return [line for line in lines[:middle + 1] if " name:r0 " in line]
