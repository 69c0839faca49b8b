"""Debian packages that are downloaded and taken apart, never installed, for a Linux of tests' own."""

import gzip
import re
import shutil
import subprocess


class MissingPrerequisite(Exception):
    """Something this machine lacks; the message has the command that mends it."""


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
    return done.stdout


class Packages:
    """Those downloaded into `folder`, where they stay for the next run."""

    def __init__(self, folder):
        self._folder = folder

    def unpack(self, name, into, *tar_options):
        """Lays the package's files below `into`, /lib and the like in their places below /usr."""
        package = self._package(self._kernel() if name == "linux-image-amd64" else name)
        into.mkdir(parents=True, exist_ok=True)
        with subprocess.Popen(("dpkg-deb", "--fsys-tarfile", package),
                              stdout=subprocess.PIPE) as unpacked:
            # In a layer a real /lib would hide this machine's link to /usr/lib.
            subprocess.run(("tar", "-x", "-C", into, *tar_options,
                            r"--transform=flags=r;s,^\./\(bin\|sbin\|lib\)\(/\|$\),./usr/\1\2,"),
                           stdin=unpacked.stdout, check=True)
        if unpacked.returncode != 0:
            raise RuntimeError(f"dpkg-deb can't unpack {package}: {unpacked.returncode}")

    def _package(self, name):
        """The package's file."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if not list(self._folder.glob(f"{name}_*.deb")):
            try:
                run("apt-get", "-qq", "download", name, cwd=self._folder)
            except RuntimeError as error:
                raise MissingPrerequisite(
                    f"can't download {name} (apt-get update?): {error}") from error
        return next(self._folder.glob(f"{name}_*.deb"))

    @staticmethod
    def _kernel():
        """The newest kernel's own package, which linux-image-amd64 only points to."""
        depends = run("apt-cache", "depends", "linux-image-amd64")
        match = re.search(r"Depends: (linux-image-\d\S+)", depends)
        if match is None:
            raise MissingPrerequisite("apt knows no linux-image-amd64: apt-get update")
        return match[1]


class Kernel:
    """An unpacked kernel and busybox below `layer`, and the initramfs that go with them."""

    def __init__(self, layer):
        self._layer = layer
        self.busybox = layer / "usr/bin/busybox"

    @property
    def image(self):
        return next(self._layer.glob("boot/vmlinuz-*"))

    @property
    def version(self):
        """E.g. 6.1.0-56-amd64."""
        return self.image.name.removeprefix("vmlinuz-")

    def index_modules(self):
        run(self.busybox, "depmod", "-b", self._layer / "usr", self.version)

    def _module_files(self, modules):
        """The modules' files, each after those it needs."""
        folder = self._layer / "usr/lib/modules" / self.version
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

        for module in modules:
            if module in named:
                add(named[module])
        return [folder / path for path in ordered]

    def begin_initramfs(self, tree, init, modules, folders):
        """A new `tree` with busybox, `init` as PID 1, the modules in /modules in the order that is
        in /modules/order, and these empty folders."""
        shutil.rmtree(tree, ignore_errors=True)
        for name in ("bin", "modules", *folders):
            (tree / name).mkdir(parents=True)
        shutil.copy(self.busybox, tree / "bin/busybox")
        (tree / "bin/sh").symlink_to("busybox")
        files = self._module_files(modules)
        for path in files:
            shutil.copy(path, tree / "modules")
        (tree / "modules/order").write_text("".join(path.name + "\n" for path in files))
        shutil.copy(init, tree / "init")
        (tree / "init").chmod(0o755)

    def pack(self, tree, initramfs):
        """Writes what is in `tree`."""
        names = ["."] + sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
        packed = subprocess.run([self.busybox, "cpio", "-o", "-H", "newc"], cwd=tree,
                                input="\n".join(names).encode() + b"\n", capture_output=True,
                                check=True)
        initramfs.write_bytes(gzip.compress(packed.stdout, 1))
