# shellcheck shell=sh
# Prepares the disk of a node, before its first boot, as `sh -c THIS ocf-kamailio-disk NAME NODE`: the machine's
# own root below a layer that takes the node's changes, and empty directories for what a cluster writes. NODE
# is the Node.js that the executor finds first on its PATH.
set -eu
disk=/run/bed/$1
node=$2

mkdir -p "$disk/upper" "$disk/work" "$disk/root"
cd "$disk"
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root
mkdir -p var/lib/corosync etc/corosync/uidgid.d
# The directories that the packages have made for their logs, without the logs.
(cd / && find var/log -type d -print0 | tar --create --no-recursion --null --files-from=-) | tar --extract
for name in blackbox cib cores pengine; do
  install -d -o hacluster -g haclient -m 750 "var/lib/pacemaker/$name"
done

touch node
mount --bind "$node" node
rm -f root/usr/local/bin/node
touch root/usr/local/bin/node
