#!/bin/bash
# Tries the job script of `modalflow sweep --slurm` on a Slurm of one machine: tasks that are cancelled, queued again
# and submitted again, more tasks than MaxArraySize allows, and whether the merged results are those of one call.
#
# Everything is kept in target/slurm/; the machine's own Slurm and munge, where there are any, are left alone. The
# daemons run as root, so the script asks for sudo where it is not root itself. It takes a minute or two.
set -euo pipefail
cd "$(dirname "$0")/../.."
grid=$PWD/tests/slurm/grid.yaml
root=$PWD/target/slurm
export PATH=$PWD/target/release:$PATH:/usr/sbin:/sbin SLURM_CONF=$root/slurm.conf

for command in munged slurmctld slurmd sbatch scancel scontrol squeue sinfo modalflow; do
    command -v "$command" > /dev/null && continue
    echo "$command is missing: cargo build --release, and on Debian" >&2
    echo "  apt-get install --no-install-recommends slurmctld slurmd slurm-client munge" >&2
    exit 2
done

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

fail() {
    echo "FAILED: $*; the logs are in $root" >&2
    exit 1
}

# wait_for WHAT COMMAND...: until the command succeeds.
wait_for() {
    local what=$1
    shift
    for _ in $(seq 1 900); do
        "$@" && return
        sleep 0.2
    done
    fail "no $what after three minutes"
}

stop() {
    [ -s "$root/slurmctld.pid" ] && scancel --user "$(id -un)" 2> /dev/null
    for daemon in slurmd slurmctld munged; do
        [ -s "$root/$daemon.pid" ] && as_root kill "$(cat "$root/$daemon.pid")" 2> /dev/null
    done
    true
}

# No cgroups: a container often has none to give.
configure() {
    cat > "$SLURM_CONF" << END
ClusterName=try
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
AuthType=auth/munge
# Without cred_expire a task that is queued again waits for two minutes.
AuthInfo=socket=$root/munge.socket,cred_expire=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
MaxArraySize=4
SlurmctldPidFile=$root/slurmctld.pid
SlurmdPidFile=$root/slurmd.pid
SlurmctldLogFile=$root/slurmctld.log
SlurmdLogFile=$root/slurmd.log
StateSaveLocation=$root/state
SlurmdSpoolDir=$root/spool
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$(hostname -s) Default=YES MaxTime=INFINITE State=UP
END
}

start() {
    as_root rm -rf "$root"
    mkdir -p "$root/state" "$root/spool"
    configure
    head --bytes 128 /dev/urandom > "$root/munge.key"
    chmod 600 "$root/munge.key"
    as_root chown root "$root/munge.key"
    # --force: the folders above belong to whoever builds.
    as_root munged --force --key-file="$root/munge.key" --socket="$root/munge.socket" --pid-file="$root/munged.pid" \
        --log-file="$root/munged.log" --seed-file="$root/munged.seed" 2>> "$root/munged.err"
    as_root env SLURM_CONF="$SLURM_CONF" slurmctld
    as_root env SLURM_CONF="$SLURM_CONF" slurmd
    wait_for "idle node in sinfo" node_is_idle
}

node_is_idle() { [ "$(sinfo --noheader --format=%t 2> /dev/null)" = idle ]; }
queue_is_empty() { [ -z "$(squeue --noheader)" ]; }
# kept I: how many cells shard I of 6 has kept; the first line of a store is no cell.
kept() { cat results/grid/cells/*.shard-"$1"-of-6.jsonl 2> /dev/null | tail --lines=+2 | wc --lines; }
has_cell() { [ "$(kept "$1")" -ge 1 ]; }

# stop_task I COMMAND...: stops task I with the command, when it has kept a cell and not all four.
stop_task() {
    local task=$1
    shift
    wait_for "cell of task $task" has_cell "$task"
    "$@"
    [ "$(kept "$task")" -lt 4 ] || fail "task $task was finished before it was stopped"
}

trap stop EXIT
start
cp "$grid" "$root"
cd "$root"
modalflow sweep grid.yaml --out whole --quiet
modalflow sweep grid.yaml --out results --jobs 1 --slurm 6 > job.sh

# The largest number of a task is 3 here: tasks 4 to 6 come with an offset.
sbatch --array=1-6 job.sh 2> /dev/null && fail "an array beyond MaxArraySize was taken"
first=$(sbatch --parsable --array=1-3 job.sh)
SHARD_OFFSET=3 sbatch --array=1-3 job.sh
stop_task 1 scancel "${first}_1"
stop_task 2 scontrol requeue "${first}_2"
stop_task 3 scancel "${first}_3"
wait_for "empty queue" queue_is_empty

# Task 2 went on by itself; 1 and 3 are missing, and merge has the list for --array.
modalflow merge results/grid --out results 2> merge.err && fail "merge took what is not finished"
cat merge.err
list=$(sed -n 's/.*sbatch --array=\([0-9,-]*\) .*/\1/p' merge.err)
[ "$list" = 1,3 ] || fail "merge asks for --array=$list, and not 1,3"
sbatch --array="$list" job.sh
wait_for "empty queue" queue_is_empty
modalflow merge results/grid --out results --quiet

for file in sweep.csv scenario.yaml lines.png; do
    cmp "whole/grid/$file" "results/grid/$file" || fail "$file differs from that of one call"
done
echo "$(slurmctld -V): two tasks cancelled and submitted again, one queued again, three beyond MaxArraySize;" \
    "the merged files are those of one call"
