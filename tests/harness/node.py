"""A root directory for upkeep in which the node can reboot."""

import os
import pathlib
import re
import time
import uuid


class Node:
    """Everything is this machine's, except which boot it is and when that began."""

    def __init__(self, directory):
        self.root = pathlib.Path(directory)
        (self.root / "proc/sys/kernel/random").mkdir(parents=True)
        for entry in ("loadavg", "pressure", "self", "mounts", "filesystems", "meminfo", "devices"):
            if os.path.exists(f"/proc/{entry}"):
                (self.root / "proc" / entry).symlink_to(f"/proc/{entry}")
        for entry in ("dev", "sys"):
            (self.root / entry).symlink_to(f"/{entry}")
        for entry in ("etc", "run", "var/log"):
            (self.root / entry).mkdir(parents=True)
        self.boot()

    def boot(self):
        """A new boot, just now."""
        self.boot_id = str(uuid.uuid4())
        self._replace("proc/sys/kernel/random/boot_id", self.boot_id + "\n")
        stat = pathlib.Path("/proc/stat").read_text()
        self._replace("proc/stat", re.sub(r"^btime .*$", f"btime {int(time.time())}", stat, flags=re.M))

    def _replace(self, name, text):
        path = self.root / name
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").rename(path)
