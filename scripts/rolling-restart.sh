#!/usr/bin/env bash
# Restarts the nodes of a cluster one after the other, and goes on only when the cluster is healthy again: no send fails meanwhile.
#
#   scripts/rolling-restart.sh COMMAND ID...      {} in COMMAND stands for the id; the command must restart that node
#
#   OTTLA_BOOTSTRAP=localhost:9093,localhost:9193,localhost:9293 \
#     scripts/rolling-restart.sh 'docker-compose up -d --no-deps --force-recreate ottla-{}' 1 2 3
#   scripts/rolling-restart.sh 'ssh node-{}.example.com sudo systemctl restart ottla' 1 2 3
#   scripts/rolling-restart.sh 'ottla cluster restart {}' 1 2 3
#
# OTTLA names the command line if it is not `ottla`; WITHIN the seconds to wait for health after each node, 600 if not set.
set -euo pipefail
if [ $# -lt 2 ]; then
  sed -n '2,11s/^# \{0,1\}//p' "$0"
  exit 2
fi
restart=$1
shift
read -ra ottla <<<"${OTTLA:-ottla}"
within=${WITHIN:-600}

healthy() {
  local deadline=$((SECONDS + within)) said
  until said=$("${ottla[@]}" cluster status --exit-code --timeout 5000 2>&1); do
    if [ "$SECONDS" -ge "$deadline" ]; then
      echo "The cluster is not healthy after $within s; nothing more is restarted:" >&2
      echo "$said" >&2
      return 1
    fi
    sleep 0.5
  done
}

echo "Waiting until the cluster is healthy before anything is restarted"
healthy
for id in "$@"; do
  echo "Restarting node $id"
  bash -c "${restart//\{\}/$id}"
  healthy
  echo "Node $id is back, the cluster is healthy"
done
