#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The demo: build and start the lab, make the mesh in it, say what to try next. Safe to run again at any time.
set -eu

heading() {
    now=$(date +%s)
    printf '\n━━ %s (at %d s)\n' "$1" "$((now - start))"
}
start=$(date +%s)

heading "Building the lab: the first time this takes a quarter of an hour on two cores, then a second"
gkelab build
heading "Starting the lab"
gkelab up
heading "Three clusters, one mesh: ansible-playbook -i inventory/lab.yml site.yml"
ansible-playbook -i inventory/lab.yml site.yml
heading "Done"
cat <<'NEXT'
The page's address stands in the summary above; it answers on this machine. What to try next, in this folder:

  eval "$(make -s env)"        in this shell: ansible-playbook, gkelab, kubectl and istioctl, all for this lab
  gkelab status                clusters, nodes and addresses

  ansible-playbook site.yml                  once more: quick, and nothing changes
  ansible-playbook site.yml --tags verify    prove the mesh again
  ansible-playbook site.yml --tags bookinfo -e '{"bookinfo_placement": {"reviews-v3": ["east"]}}'
                                             move workloads; without -e they move back
  ansible localhost -m mcistio.gke.gke_cluster -a 'name=east location=us-east1-b state=absent'
                                             lose a cluster; verify names it, site.yml brings it back

  make teardown                take the mesh apart, the lab stays up
  make down                    take the lab down
NEXT
