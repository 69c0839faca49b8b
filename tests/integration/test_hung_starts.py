"""Starts that hang in libvirt hold nobody up, and what waits goes by what is wanted by then."""

import pytest

from harness.libvirtd import QEMU
from harness.waiting import stays_so, wait_until
from steps import LONG_ENOUGH_TO_ACT, booted, runs_again, seen_running

# As QEMU, except that it does not come up while the flag is there: libvirt's call waits for it.
HANGS = """\
#!/bin/sh
while [ -e {flag} ]; do
    case "$*" in *guest=*) sleep 0.2 ;; *) break ;; esac
done
exec {qemu} "$@"
"""


class HangingQemu:
    def __init__(self, directory):
        self.program = directory / "qemu-that-hangs"
        self._flag = directory / "hang"
        self.program.write_text(HANGS.format(flag=self._flag, qemu=QEMU))
        self.program.chmod(0o755)

    def hang(self):
        self._flag.touch()

    def let_go(self):
        self._flag.unlink(missing_ok=True)


@pytest.fixture
def hanging_qemu(libvirtd, tmp_path):
    qemu = HangingQemu(tmp_path)
    yield qemu
    qemu.let_go()  # libvirtd is to be of use to the next test.


HUNG = tuple(f"hang{n}" for n in range(4))
OTHERS = ("vm0", "vm1")
# That so many die, and not all at once, is no storm here: another story.
PACE = "start_slots = 20\nstorm_share = 1.0\n"


def four_hang(libvirtd, upkeep, qemu):
    """Four guests die, and their starts hang in libvirt: as many calls as are made at once."""
    booted(libvirtd, *HUNG, emulator=qemu.program)
    booted(libvirtd, *OTHERS)
    upkeep.start()
    seen_running(upkeep, *HUNG, *OTHERS)
    qemu.hang()
    for name in HUNG:
        libvirtd.crash(name)
    wait_until("four starts", lambda: {begin["target"] for begin, _ in upkeep.starts()} ==
               {f"vm/{name}" for name in HUNG})


def test_four_hung_starts_do_not_hold_up_a_fifth(libvirtd, upkeep_for, hanging_qemu):
    upkeep = upkeep_for(libvirtd, more=PACE + 'start_deadline = "3s"\n')
    four_hang(libvirtd, upkeep, hanging_qemu)
    runs_again(libvirtd, "vm0", libvirtd.crash("vm0"))
    wait_until("the start of vm0 to have ended",
               lambda: (starts := upkeep.starts("vm0")) and starts[-1][1])
    assert all("timed_out" not in end["text"] for _, end in upkeep.starts("vm0"))
    for name in HUNG:
        # Once sent, never sent again: the first may still have its effect.
        [(_, end)] = upkeep.starts(name)
        assert end is None

    hanging_qemu.let_go()
    for name in HUNG:
        libvirtd.wait_booted(name)
        wait_until(f"the start of {name} to have ended", lambda name=name: upkeep.starts(name)[0][1])
        assert len(upkeep.starts(name)) == 1


def test_what_waits_goes_by_a_mark_and_a_reload_that_came_meanwhile(libvirtd, upkeep_for,
                                                                    hanging_qemu):
    upkeep = upkeep_for(libvirtd, more=PACE)
    four_hang(libvirtd, upkeep, hanging_qemu)
    for name in OTHERS:
        libvirtd.crash(name)
    wait_until("two that wait", lambda: upkeep.starts("vm0") and upkeep.starts("vm1"))
    upkeep.cli("mark", "vm0", "down")
    upkeep.config.write_text(upkeep.config.read_text().replace('mode = "act"', 'mode = "observe"'))
    upkeep.hang_up()
    wait_until("the reload", lambda: upkeep.status()["mode"] == "observe")
    assert all(end is None for name in OTHERS for _, end in upkeep.starts(name))

    hanging_qemu.let_go()
    for name in OTHERS:
        wait_until(f"the start of {name} to have ended",
                   lambda name=name: upkeep.starts(name)[0][1])
        [(_, end)] = upkeep.starts(name)
        assert "start_vm refused" in end["text"], end
    stays_so("vm0 and vm1 off",
             lambda: not any(libvirtd.qemu_pid(name) for name in OTHERS),
             LONG_ENOUGH_TO_ACT)
