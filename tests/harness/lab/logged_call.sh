#!/bin/busybox sh
# Stands where drbdadm, drbdsetup and drbdmeta were: writes down who calls with what, then is the
# real one. LAB_CALLER is who began: what drbdadm calls in turn counts as its caller's doing.
program=${0##*/}
if [ -z "$LAB_CALLER" ]; then
  read -r LAB_CALLER <"/proc/$PPID/comm"
  export LAB_CALLER
  nested=
else
  nested=+
fi
read -r uptime rest </proc/uptime
if [ -d /lab ]; then
  echo "$uptime|$LAB_CALLER|$nested|$program $*" >>"/lab/drbd-calls"
fi
# Under its own path, where it also looks for the others.
# shellcheck disable=SC3038 # busybox has it
exec -a "$0" "/usr/lib/lab-real/$program" "$@"
