#!/usr/bin/env bash
# A Slurm of one node on loopback, without accounting, as root: munge, slurmctld and slurmd of Debian's packages.
# Its two GPUs are copies of /dev/null: Slurm counts and assigns them as real ones. tests/slurm/down.sh stops it.
set -euo pipefail

conf=/etc/slurm/slurm.conf # sbatch's own srun reads it from nowhere else
mark="# of liftedcl's tests/slurm/up.sh"
root=${LIFTEDCL_SLURM:-/tmp/liftedcl-slurm}
node=$(hostname -s)

refuse() { # what a test takes as its reason to be skipped
  echo "error: $*" >&2
  exit 2
}

[ "$(id -u)" = 0 ] || refuse "the daemons need root; run this in a container or on a CI machine"
if [ -e $conf ] && ! grep -qxF "$mark" $conf; then
  refuse "$conf belongs to another Slurm; run this where there is none"
fi
if ! (command -v slurmctld && command -v slurmd && command -v munged && command -v srun) >/dev/null; then
  command -v apt-get >/dev/null || refuse "slurmctld, slurmd or munged is missing; install Slurm and munge"
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends slurm-wlm munge >/dev/null
fi

bash "$(dirname "$0")/down.sh"
mkdir -p "$root"/{state,spool} /etc/slurm
mkdir -p -m 700 "$root/munge"
mknod "$root/gpu0" c 1 3
mknod "$root/gpu1" c 1 3
(umask 077 && head -c 1024 /dev/urandom >"$root/munge/key")

cat >$conf <<CONF
$mark
ClusterName=liftedcl
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$root/munge/socket
CredType=cred/munge
MpiDefault=none
StateSaveLocation=$root/state
SlurmdSpoolDir=$root/spool
SlurmctldPidFile=$root/slurmctld.pid
SlurmdPidFile=$root/slurmd.pid
SlurmctldLogFile=$root/slurmctld.log
SlurmdLogFile=$root/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_interval=1
JobRequeue=1
KillWait=2
MinJobAge=7200
ReturnToService=2
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName=$node NodeAddr=127.0.0.1 CPUs=8 RealMemory=16000 Gres=gpu:2
PartitionName=main Nodes=$node Default=YES MaxTime=60 DefaultTime=5 DefMemPerNode=100 State=UP
PartitionName=gpu Nodes=$node MaxTime=60 DefaultTime=5 DefMemPerNode=100 State=UP
CONF
echo "NodeName=$node Name=gpu File=$root/gpu[0-1]" >/etc/slurm/gres.conf

munged --force --key-file="$root/munge/key" --socket="$root/munge/socket" --pid-file="$root/munge/pid" \
  --log-file="$root/munge/log" --seed-file="$root/munge/seed"
slurmctld -c
slurmd -N "$node"
for _ in $(seq 100); do
  [ "$(sinfo --noheader --partition=main --format=%T 2>/dev/null)" = idle ] && exit 0
  sleep 0.1
done
tail -n 20 "$root/slurmctld.log" "$root/slurmd.log" >&2
echo "error: the node is not idle after 10 s" >&2
exit 1
