#!/bin/sh
# PID 1 of a lab node's initramfs: this machine's / read-only over 9p, under the lab's layer, under
# memory. Then node_start.sh goes on in there.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module" 2>/dev/null; done </modules/order
hostname "n${node:?}" # from the kernel's command line
ip link set lo up
for nic in eth0 eth1; do
  while [ ! -e "/sys/class/net/$nic" ]; do sleep 0.1; done
done
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip addr add "10.9.0.$node/24" dev eth1
ip link set eth1 up
options=trans=virtio,version=9p2000.L,msize=512000
mount -t 9p -o "$options,cache=loose,ro" machine /machine
mount -t 9p -o "$options,cache=loose,ro" layer /layer
mount -t tmpfs memory /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/layer:/machine,upperdir=/memory/upper,workdir=/memory/work root /root
for name in proc sys dev; do mount --move "/$name" "/root/$name"; done
for name in run tmp var/log; do
  mkdir -p "/root/$name"
  mount -t tmpfs memory "/root/$name"
done
mkdir -p /root/run/lock /root/run/drbd /root/lab
# Without a cache: what a node writes there survives its power cut.
mount -t 9p -o "$options,cache=none" lab /root/lab
exec switch_root /root /bin/busybox sh /usr/lib/lab-real/node_start.sh
