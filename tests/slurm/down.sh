#!/usr/bin/env bash
# Stops the daemons that tests/slurm/up.sh started, by their own process numbers, and removes their files.
set -euo pipefail

root=${LIFTEDCL_SLURM:-/tmp/liftedcl-slurm}
conf=/etc/slurm/slurm.conf

for file in "$root"/slurmd.pid "$root"/slurmctld.pid "$root"/munge/pid; do
  pid=$(cat "$file" 2>/dev/null) || continue
  kill "$pid" 2>/dev/null || continue
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
done
rm -rf "$root"
if grep -qxF "# of liftedcl's tests/slurm/up.sh" $conf 2>/dev/null; then
  rm -f $conf /etc/slurm/gres.conf
fi
