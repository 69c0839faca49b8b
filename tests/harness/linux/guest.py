"""A real Linux with a real guest agent: Debian's kernel, busybox and qemu-ga, out of two files.

It takes some 10 s to boot under emulation; what needs no agent uses the guest of guest.S, which is
up at once.
"""

import pathlib
import re
import shutil
import subprocess
import xml.sax.saxutils

from harness.unpacked import Kernel, MissingPrerequisite, Packages, run

HERE = pathlib.Path(__file__).resolve().parent

MODULES = ("virtio_pci", "virtio_blk", "virtio_console", "crc32c_generic", "ext4")

#: Of the kernel's package: the kernel, and the modules above with what they need.
USED = ("./boot/vmlinuz-*", "./lib/modules/*/modules.*") + tuple(
    f"./lib/modules/*/kernel/{path}" for path in (
        "drivers/block", "drivers/char", "drivers/virtio", "fs/ext4", "fs/jbd2", "fs/mbcache.ko",
        "lib", "crypto"))

AGENT = "usr/sbin/qemu-ga"

OS = "<kernel>{kernel}</kernel><initrd>{initramfs}</initrd><cmdline>{command_line}</cmdline>"

#: The agent's channel; libvirt makes its socket.
CHANNEL = """\
    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
    </channel>
"""


class LinuxGuest:
    """Its kernel and initramfs, made once and kept in `folder`."""

    def __init__(self, folder):
        self._folder = pathlib.Path(folder)
        self._layer = self._folder / "layer"
        self._kernel = Kernel(self._layer)
        self._initramfs = self._folder / "initramfs.gz"

    def build(self):
        packages = (HERE / "unpacked.txt").read_text()
        stamp = self._folder / "layer.stamp"
        if not stamp.exists() or stamp.read_text() != packages:
            shutil.rmtree(self._layer, ignore_errors=True)
            downloaded = Packages(self._folder.parent / "packages")
            for name in re.sub(r"#.*", "", packages).split():
                only = ("--wildcards", *USED) if name.startswith("linux-image") else ()
                downloaded.unpack(name, self._layer, *only)
            self._kernel.index_modules()
            stamp.write_text(packages)
        tree = self._folder / "initramfs"
        self._kernel.begin_initramfs(tree, HERE / "init.sh", MODULES,
                                     ("proc", "sys", "dev", "run", "data"))
        self._add_agent(tree)
        self._kernel.pack(tree, self._initramfs)
        return self

    def _add_agent(self, tree):
        """The agent, and this machine's libraries that it is linked with: QEMU has the same."""
        linked = run("ldd", self._layer / AGENT)
        missing = re.findall(r"(\S+) => not found", linked)
        if missing:
            raise MissingPrerequisite(f"qemu-ga needs libraries that this machine lacks: {missing}")
        libraries = re.findall(r"(/\S+) \(0x", linked)
        for source, place in [(self._layer / AGENT, AGENT)] + [(path, path.lstrip("/"))
                                                               for path in libraries]:
            (tree / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, tree / place)

    def define(self, libvirtd, name, agent="running"):
        """Defines a guest with this Linux and a file system on its disk. With `agent` "none" it
        boots, and nobody starts the agent."""
        disk = libvirtd.disk_of(name)
        with disk.open("wb") as image:
            image.truncate(4 * 1024 * 1024)
        subprocess.run(("/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", disk),
                       check=True)
        words = {"kernel": self._kernel.image, "initramfs": self._initramfs,
                 "command_line": f"console=ttyS0 quiet panic=1 agent={agent}"}
        quoted = {word: xml.sax.saxutils.escape(str(value)) for word, value in words.items()}
        return libvirtd.define(name, disk=disk, memory=128, boot=OS.format(**quoted),
                               devices=CHANNEL)


def toggle_agent(libvirtd, name):
    """Hangs the guest's agent, or lets it go on when it hangs."""
    libvirtd.virsh("send-key", name, "KEY_LEFTCTRL", "KEY_LEFTALT", "KEY_DELETE")
