# shellcheck shell=sh
# Prepares the disk of a node, before its first boot, as `sh -c THIS ocf-kamailio-disk NAME NODE ROOT`: ROOT, which
# is the machine's own or another release's, below a layer that takes the node's changes, and empty directories for
# what a cluster writes. NODE is the Node.js that the executor finds first on its PATH.
set -eu
disk=/run/bed/$1
node=$2
root=$3

mkdir -p "$disk/upper" "$disk/work" "$disk/root"
cd "$disk"
mount -t overlay -o lowerdir="$root",upperdir=upper,workdir=work overlay root
mkdir -p var/lib/corosync etc/corosync/uidgid.d
# The directories that the packages have made for their logs, without the logs.
(cd "$root" && find var/log -type d -print0 |
  tar --create --numeric-owner --no-recursion --null --files-from=-) | tar --extract --numeric-owner
# The numbers of ROOT: the machine's accounts may have others, or none. Newer packages leave the directories to systemd.
owner=$(sed -n 's/^hacluster:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/passwd")
group=$(sed -n 's/^haclient:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/group")
for name in lib/pacemaker lib/pacemaker/blackbox lib/pacemaker/cib lib/pacemaker/cores lib/pacemaker/pengine log/pacemaker; do
  install -d -o "$owner" -g "$group" -m 770 "var/$name"
done
install -d var/log/corosync

touch node
mount --bind "$node" node
rm -f root/usr/local/bin/node
touch root/usr/local/bin/node
# pcs calls agents with a PATH of its own, without /usr/local/bin; Node.js of a package is here.
[ -e root/usr/bin/node ] || ln -s ../local/bin/node root/usr/bin/node
