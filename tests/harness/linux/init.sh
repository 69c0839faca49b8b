#!/bin/sh
# PID 1 of a Linux guest: it runs Debian's guest agent, and says "up" on its serial port once it does.
# With "agent=none" on the kernel's command line it has booted into nothing: nobody starts an agent.
# Ctrl+Alt+Del hangs the agent, or lets it go on when it hangs.
/bin/busybox --install -s /bin
export PATH=/bin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module"; done </modules/order
mount -t ext4 /dev/vda /data

# The kernel's words become variables: a name that nothing else sets.
# shellcheck disable=SC2154
if [ "$agent" != none ]; then
  while ! port=$(grep -lx org.qemu.guest_agent.0 /sys/class/virtio-ports/*/name); do sleep 0.1; done
  port=${port%/name}
  qemu-ga -m virtio-serial -p "/dev/${port##*/}" -t /run &
fi

hung=
toggle() {
  if [ -n "$hung" ]; then
    killall -CONT qemu-ga
    hung=
  else
    killall -STOP qemu-ga
    hung=yes
  fi
}
trap toggle INT
echo 0 >/proc/sys/kernel/ctrl-alt-del # as a signal to this process
echo up
while :; do
  sleep 3600 &
  wait $!
done
