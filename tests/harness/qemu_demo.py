"""./run --qemu: upkeep in act mode over a private libvirtd with four real QEMU guests.

    qemu_demo.py DIRECTORY UPKEEP [ARGUMENTS of `upkeep run`...]      (root)

Everything lives in DIRECTORY and is ended with upkeep: Ctrl-C leaves nothing behind.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness.libvirtd import Libvirtd  # noqa: E402

GUESTS = ["web1", "web2", "db1", "mail1"]

CONFIG = """\
# Written by ./run --qemu.
mode = "act"
[libvirt]
uri = "{uri}"
[drbd]
enabled = "off"
[journal]
path = "{directory}/state/upkeep.db"
"""

WHAT_TO_TRY = """
Four real guests run under QEMU. In another terminal, in this directory, as root:

    {upkeep} status --config {config}
    kill -9 $(cat {libvirt}/run/qemu/web1.pid)      # it runs again at once
    {upkeep} history --config {config}
    virsh -c '{uri}' destroy web2                   # stays down: you wished it
    {upkeep} why web2 --config {config}

Ctrl-C ends upkeep, the guests and their libvirtd.
"""


def main():
    directory, upkeep = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    if os.geteuid() != 0:
        sys.exit("error: a libvirtd with real guests needs root")
    shutil.rmtree(directory, ignore_errors=True)
    (directory / "state").mkdir(parents=True)
    libvirtd = Libvirtd(directory / "libvirt", directory.parent / "libvirt-cache")
    try:
        libvirtd.start()
        for name in GUESTS:
            libvirtd.define(name)
            libvirtd.virsh("start", name)
        config = directory / "upkeep.toml"
        config.write_text(CONFIG.format(uri=libvirtd.uri, directory=directory))
        print(WHAT_TO_TRY.format(upkeep=upkeep, config=os.path.relpath(config), uri=libvirtd.uri,
                                 libvirt=os.path.relpath(directory / "libvirt")), flush=True)
        daemon = subprocess.Popen([upkeep, "run", "--config", config, *sys.argv[3:]])
        # Ctrl-C reaches upkeep as well, which then ends in order; SIGTERM is passed on to it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: daemon.terminate())
        return daemon.wait()
    finally:
        libvirtd.close()


if __name__ == "__main__":
    sys.exit(main())
