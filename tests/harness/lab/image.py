"""What a lab node is made of: Debian's kernel, an initramfs, what is laid over this machine's /.

Nothing is installed: the packages in unpacked.txt are downloaded and taken apart below build, where
they stay for the next run.
"""

import pathlib
import re
import shutil

from harness.unpacked import Kernel, MissingPrerequisite, Packages

HERE = pathlib.Path(__file__).resolve().parent

#: What the initramfs loads. Not drbd: nodes boot without it, as after a real reboot.
MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_rng", "9p", "9pnet_virtio", "overlay",
           "crc32c_generic", "crc32c_intel", "libcrc32c", "dm_mod", "loop", "ext4")

#: Nine tenths of the kernel's modules, for hardware that no node has.
UNUSED = tuple(f"./lib/modules/*/kernel/{path}" for path in (
    "drivers/net/*/*", "drivers/gpu", "drivers/media", "drivers/scsi", "drivers/infiniband",
    "drivers/usb", "drivers/iio", "drivers/staging", "drivers/hwmon", "drivers/hid",
    "drivers/platform", "sound"))

#: busybox's stand-ins for kmod: its depmod writes no binary index, which kmod's own would need.
KMOD = ("modprobe", "insmod", "rmmod", "lsmod", "modinfo")

#: Every call of these is written down, see logged_call.sh.
LOGGED = ("drbdadm", "drbdsetup", "drbdmeta")


def require_programs():
    """Everything that comes from packaging/packages is here, or it is said how it gets here."""
    needed = {"qemu-system-x86_64": "qemu-system-x86", "dpkg-deb": "dpkg", "apt-get": "apt",
              "mke2fs": "e2fsprogs", "dmsetup": "dmsetup", "libvirtd": "libvirt-daemon",
              "virsh": "libvirt-clients", "as": "binutils"}
    missing = {package for program, package in needed.items()
               if shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin") is None}
    if missing:
        raise MissingPrerequisite("the lab needs: apt-get install --no-install-recommends " +
                                  " ".join(sorted(missing)))


class Image:
    """Kernel, initramfs and upper layer, made once and kept in `folder`."""

    def __init__(self, folder):
        self._folder = pathlib.Path(folder)
        self.layer = self._folder / "layer"  # laid over this machine's / in every node
        self.initramfs = self._folder / "initramfs.gz"
        self._kernel = Kernel(self.layer)

    @property
    def kernel(self):
        return self._kernel.image

    def build(self):
        require_programs()
        self._folder.mkdir(parents=True, exist_ok=True)
        stamp = self._folder / "layer.stamp"
        if not stamp.exists() or stamp.read_text() != self.packages:
            shutil.rmtree(self.layer, ignore_errors=True)
            downloaded = Packages(self._folder.parent / "packages")
            for package in re.sub(r"#.*", "", self.packages).split():
                downloaded.unpack(package, self.layer, *(f"--exclude={path}" for path in UNUSED))
            self._finish_layer()
            stamp.write_text(self.packages)
        self._add_scripts()
        tree = self._folder / "initramfs"
        self._kernel.begin_initramfs(
            tree, HERE / "node_init.sh", MODULES,
            ("proc", "sys", "dev", "machine", "layer", "memory", "root"))
        self._kernel.pack(tree, self.initramfs)
        return self

    @property
    def packages(self):
        """What nodes are made of; when it changes they are made anew."""
        return (HERE / "unpacked.txt").read_text()

    def _finish_layer(self):
        self._kernel.index_modules()
        for name in KMOD:
            (self.layer / "usr/sbin" / name).symlink_to("../bin/busybox")
        real = self.layer / "usr/lib/lab-real"
        real.mkdir()
        for name in LOGGED:
            (self.layer / "usr/sbin" / name).rename(real / name)

    def _add_scripts(self):
        places = {f"sbin/{name}": "logged_call.sh" for name in LOGGED}
        places |= {f"lib/lab-real/{name}": name for name in ("node_start.sh", "agent.sh")}
        for place, name in places.items():
            shutil.copy(HERE / name, self.layer / "usr" / place)
            (self.layer / "usr" / place).chmod(0o755)
