# shellcheck shell=sh
# The first process of a bed, in namespaces of its own, as `sh -c THIS ocf-kamailio-bed LABEL LIFE`. All that
# the bed has - nodes, bridge, files - belongs to these namespaces: when this process ends, the kernel ends and
# removes the lot. With LIFE=tied it ends with whoever holds the other end of its stdin, however that one
# ends; otherwise it lives until it is killed. Says its own pid, as the machine sees it, when the bed is ready.
set -eu
life=$2
address=$3

# /proc is still the machine's, and so is the pid in it.
read -r pid rest </proc/self/stat
mount -t tmpfs -o mode=755 bed /run
mkdir /run/bed
ip link set lo up
ip link add bridge type bridge
ip address add "$address/24" dev bridge
ip link set bridge up
echo "$pid"

if [ "$life" = tied ]; then
  # A command in the background gets /dev/null for its stdin, unless it is told otherwise.
  exec 3<&0
  cat <&3 >/dev/null &
else
  sleep infinity &
fi
# As the first process of its namespace it also takes over orphans; `wait` reaps them.
wait $!
