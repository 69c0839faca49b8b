"""What a lab node is made of: Debian's kernel, an initramfs, what is laid over this machine's /.

Nothing is installed: the packages in unpacked.txt are downloaded and taken apart below build/lab,
where they stay for the next run.
"""

import gzip
import pathlib
import re
import shutil
import subprocess

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


class MissingPrerequisite(Exception):
    """Something this machine lacks; the message has the command that mends it."""


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
    return done.stdout


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

    @property
    def kernel(self):
        return next(self.layer.glob("boot/vmlinuz-*"))

    @property
    def version(self):
        """The kernel's version, e.g. 6.1.0-56-amd64."""
        return self.kernel.name.removeprefix("vmlinuz-")

    def build(self):
        require_programs()
        self._folder.mkdir(parents=True, exist_ok=True)
        stamp = self._folder / "layer.stamp"
        if not stamp.exists() or stamp.read_text() != self.packages:
            shutil.rmtree(self.layer, ignore_errors=True)
            for package in self._package_names():
                self._unpack(package)
            self._finish_layer()
            stamp.write_text(self.packages)
        self._add_scripts()
        self._write_initramfs()
        return self

    @property
    def packages(self):
        """What nodes are made of; when it changes they are made anew."""
        return (HERE / "unpacked.txt").read_text()

    # The layer.

    def _package_names(self):
        names = re.sub(r"#.*", "", self.packages).split()
        return [self._kernel_package() if name == "linux-image-amd64" else name for name in names]

    @staticmethod
    def _kernel_package():
        """The newest kernel's own package, which linux-image-amd64 only points to."""
        depends = run("apt-cache", "depends", "linux-image-amd64")
        match = re.search(r"Depends: (linux-image-\d\S+)", depends)
        if match is None:
            raise MissingPrerequisite("apt knows no linux-image-amd64: apt-get update")
        return match[1]

    def _unpack(self, package):
        packages = self._folder / "packages"
        packages.mkdir(exist_ok=True)
        if not list(packages.glob(f"{package}_*.deb")):
            try:
                run("apt-get", "-qq", "download", package, cwd=packages)
            except RuntimeError as error:
                raise MissingPrerequisite(
                    f"can't download {package} for the lab (apt-get update?): {error}") from error
        self.layer.mkdir(exist_ok=True)
        with subprocess.Popen(("dpkg-deb", "--fsys-tarfile",
                               next(packages.glob(f"{package}_*.deb"))),
                              stdout=subprocess.PIPE) as unpacked:
            # In a layer a real /lib would hide this machine's link to /usr/lib.
            subprocess.run(("tar", "-x", "-C", self.layer, *(f"--exclude={path}" for path in UNUSED),
                            r"--transform=flags=r;s,^\./\(bin\|sbin\|lib\)\(/\|$\),./usr/\1\2,"),
                           stdin=unpacked.stdout, check=True)
        if unpacked.returncode != 0:
            raise RuntimeError(f"dpkg-deb can't unpack {package}: {unpacked.returncode}")

    def _finish_layer(self):
        run(self.layer / "usr/bin/busybox", "depmod", "-b", self.layer / "usr", self.version)
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

    # The initramfs.

    def _module_files(self):
        """The modules' files, each after those it needs."""
        folder = self.layer / "usr/lib/modules" / self.version
        needs, named = {}, {}
        for line in (folder / "modules.dep").read_text().splitlines():
            path, _, others = line.partition(":")
            needs[path] = others.split()
            named[re.sub(r"\.ko.*", "", path.rsplit("/", 1)[-1]).replace("-", "_")] = path
        ordered = []

        def add(path):
            if path not in ordered:
                for other in reversed(needs[path]):
                    add(other)
                ordered.append(path)

        for module in MODULES:
            if module in named:
                add(named[module])
        return [folder / path for path in ordered]

    def _write_initramfs(self):
        tree = self._folder / "initramfs"
        shutil.rmtree(tree, ignore_errors=True)
        for name in ("bin", "proc", "sys", "dev", "modules", "machine", "layer", "memory", "root"):
            (tree / name).mkdir(parents=True)
        shutil.copy(self.layer / "usr/bin/busybox", tree / "bin/busybox")
        (tree / "bin/sh").symlink_to("busybox")
        files = self._module_files()
        for path in files:
            shutil.copy(path, tree / "modules")
        (tree / "modules/order").write_text("".join(path.name + "\n" for path in files))
        shutil.copy(HERE / "node_init.sh", tree / "init")
        (tree / "init").chmod(0o755)
        names = ["."] + sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
        packed = subprocess.run([self.layer / "usr/bin/busybox", "cpio", "-o", "-H", "newc"],
                                cwd=tree, input="\n".join(names).encode() + b"\n",
                                capture_output=True, check=True)
        self.initramfs.write_bytes(gzip.compress(packed.stdout, 1))
