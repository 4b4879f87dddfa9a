#!/usr/bin/env bash
# Has this machine join the Ray that start.sh --open started on another one:
#
#   cluster/boxes/join.sh [--mps] HEAD-ADDRESS TOKEN-FILE [KIND]
#
# KIND is cpu or gpu (default: gpu where the driver shows a card): the label that ray.cpu_nodes and ray.gpu_nodes name, as
# earmark.io/kind=KIND. --mps as of start.sh. Both machines need the same versions: the same checkout, `make install`, and
# with a card NVIDIA's driver 580 or later. This machine keeps its own EARMARK_HOME; nothing of the other's disk is used.
#
# Ports between them: 6379-6383, 20000-20999 and 52365 (Ray's agent). The head also listens at 10001 (Ray's client), which
# nothing here uses: shut it to others.
set -euo pipefail

mps=no
if [[ "${1:-}" == --mps ]]; then
  mps=yes
  shift
fi
if (($# < 2)); then
  sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  exit 2
fi
head="$1"
token="$(realpath "$2")"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
home="${EARMARK_HOME:-${XDG_DATA_HOME:-$HOME/.local/share}/earmark}"
ray="$root/.venv/bin/ray"
# shellcheck source=/dev/null
source "$root/cluster/boxes/common.bash"

if [[ ! -x "$ray" ]]; then
  echo "join.sh: nothing is installed in $root/.venv; run: make install EXTRAS=gpu,offline" >&2
  exit 2
fi
if [[ ! -s "$token" ]]; then
  echo "join.sh: $token holds no token; copy the head's ray-token here" >&2
  exit 2
fi
if [[ -n "$(find "$token" -perm /077)" ]]; then
  echo "join.sh: others may read $token; chmod 600 it" >&2
  exit 2
fi

kind="${3:-$(kind_here)}"
install -d -m 0700 "$home"
[[ "$mps" == no ]] || start_mps "$home/mps"
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH="$token" RAY_USAGE_STATS_ENABLED=0
export ORT_DISABLE_TELEMETRY=1 HF_HUB_DISABLE_TELEMETRY=1
export EARMARK_HOME="$home"
export PATH="$root/.venv/bin:$PATH"
ulimit -n 65536 || echo "join.sh: only $(ulimit -n) files may be open at once" >&2

"$ray" start --address="$head:6379" --node-manager-port=6380 --object-manager-port=6381 \
  --dashboard-agent-grpc-port=6382 --metrics-export-port=6383 \
  --min-worker-port=20000 --max-worker-port=20999 --labels="earmark.io/kind=$kind" --disable-usage-stats
echo "Joined $head as a $kind node. To leave: $root/cluster/boxes/start.sh --stop"
