#!/usr/bin/env bash
# Has this machine join the Ray that start.sh --open started on another one:
#
#   cluster/boxes/join.sh HEAD-ADDRESS TOKEN-FILE [KIND]
#
# KIND is cpu or gpu (default: gpu where the driver shows a card): the label that ray.cpu_nodes and ray.gpu_nodes name, as
# earmark.io/kind=KIND. Both machines need the same versions: the same checkout, `make install`. This machine keeps its
# own EARMARK_HOME; nothing of the other's disk is used. Ports between them: 6379-6381 and 20000-20999.
set -euo pipefail

if (($# < 2)); then
  sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  exit 2
fi
head="$1"
token="$(realpath "$2")"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
home="${EARMARK_HOME:-${XDG_DATA_HOME:-$HOME/.local/share}/earmark}"
ray="$root/.venv/bin/ray"

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

kind="${3:-}"
if [[ -z "$kind" ]]; then
  kind=cpu
  if command -v nvidia-smi >/dev/null && nvidia-smi --list-gpus >/dev/null 2>&1; then
    kind=gpu
  fi
fi

install -d -m 0700 "$home"
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH="$token" RAY_USAGE_STATS_ENABLED=0
export ORT_DISABLE_TELEMETRY=1 HF_HUB_DISABLE_TELEMETRY=1
export EARMARK_HOME="$home"
export PATH="$root/.venv/bin:$PATH"
ulimit -n 65536 || echo "join.sh: only $(ulimit -n) files may be open at once" >&2

"$ray" start --address="$head:6379" --node-manager-port=6380 --object-manager-port=6381 \
  --min-worker-port=20000 --max-worker-port=20999 --labels="earmark.io/kind=$kind" --disable-usage-stats
echo "Joined $head as a $kind node. To leave: $ray stop"
