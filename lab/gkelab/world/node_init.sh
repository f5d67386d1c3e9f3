#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The first process of a node: makes the folders that a node writes to its own, then keeps containerd, kubelet and
# kube-proxy running. It runs in mount, UTS, IPC, PID and network namespaces of its own; when it is killed, the kernel
# ends everything else on the node.
#
# Environment: NODE_DISK (the node's folder), NODE_BIN (the programs), NODE_LOGS, NODE_LOG_PREFIX, NODE_CGROUP, NODE_NAME,
# NODE_ADDRESS.
set -eu

hostname "$NODE_NAME"

# From here on the node's files have short, fixed paths, wherever the lab's home is; nothing is written to the host's
# own /run, /tmp, /var/lib and /var/log.
mount --bind "$NODE_DISK" "$NODE_DISK/run/node"
mount --bind "$NODE_BIN" "$NODE_DISK/run/bin"
mount --bind "$NODE_LOGS" "$NODE_DISK/run/logs"
mount --rbind "$NODE_DISK/run" /run
mount --bind /run/node/var-lib /var/lib
mount --bind /run/node/var-log /var/log
mount --bind /run/node/tmp /tmp
mount --bind /var/lib/kubelet /var/lib/kubelet
mount --make-rshared /var/lib/kubelet

# The host's name servers are out of reach; without any, a pull that cannot succeed fails at once.
[ ! -e /etc/resolv.conf ] || mount --bind /run/node/resolv.conf /etc/resolv.conf

# Every hierarchy of control groups begins at the node's own group, so that nothing is made outside of it. The original
# mounts have to go: runc takes the first mount of a hierarchy that it finds.
mkdir -p /run/cgroup
sed -n 's/^[^ ]* [^ ]* [^ ]* [^ ]* \([^ ]*\) .* - cgroup2\{0,1\} .*/\1/p' /proc/self/mountinfo >/run/cgroup-mounts
while read -r point; do
  mount --bind "$point$NODE_CGROUP" /run/cgroup
  umount --lazy "$point"
  mount --bind /run/cgroup "$point"
  umount /run/cgroup
done </run/cgroup-mounts

# kubelet insists on these settings of the whole machine and would write them; it is shown its wishes instead.
for setting in /run/node/sysctl/*; do
  name=${setting##*/}
  mount --bind "$setting" "/proc/sys/$(echo "$name" | tr . /)"
done

export PATH="/run/bin:$PATH"

keep() { # keep NAME COMMAND...: run it again whenever it ends
  log="/run/logs/$NODE_LOG_PREFIX-$1.log"
  shift
  while :; do
    "$@" >>"$log" 2>&1 || true
    sleep 0.5
  done
}

keep containerd containerd --config /run/node/containerd.toml &

# The world writes this file once the API server knows the node.
until [ -e /run/node/registered ] && [ -S /run/containerd/containerd.sock ]; do sleep 0.05; done

keep kubelet kubelet --config /run/node/kubelet.json --kubeconfig /run/node/kubelet.kubeconfig \
  --hostname-override "$NODE_NAME" --node-ip "$NODE_ADDRESS" --root-dir /var/lib/kubelet &
keep kube-proxy kube-proxy --config /run/node/kube-proxy.json &

# Waiting also reaps the orphans of this PID namespace.
wait
