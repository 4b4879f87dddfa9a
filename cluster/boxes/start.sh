#!/usr/bin/env bash
# Starts Ray's head on one box, for instance with an RTX 5080, and leaves it up for jobs:
#
#   cluster/boxes/start.sh                     this machine alone, everything on loopback
#   cluster/boxes/start.sh --open 192.0.2.10   at this address of it, so that join.sh works on a second machine
#   cluster/boxes/start.sh --mps               with NVIDIA's MPS: several processes compute on the card at the same time
#   cluster/boxes/start.sh --stop              ends MPS and every Ray of yours on this machine, other runs' too
#
# Before --stop: `run.py jobs stop JOB` for each job. Ray kills the drivers of those that go on, who then leave their
# books undone; the next run takes over what they held.
#
# The dashboard listens on loopback in any case (from elsewhere: ssh -L 8265:127.0.0.1:8265). Jobs see this shell's
# environment: set EARMARK_HOME and, for a second machine, DATABASE_URL before. Sources count all machines as
# one (EARMARK_GOVERNOR__EXIT=this-site); set it empty before where each has a public address of its own.
#
# A card needs NVIDIA's driver 580 or later. MPS pays where two recognisers and an embedding model share a card (profile
# `local`); without it they take turns. Not measured on that card by us. One process's fault on the card may end the
# others' work there; Ray starts them again.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
home="${EARMARK_HOME:-${XDG_DATA_HOME:-$HOME/.local/share}/earmark}"
ray="$root/.venv/bin/ray"
address=127.0.0.1
mps=no
stop=no
# shellcheck source=/dev/null
source "$root/cluster/boxes/common.bash"

while (($#)); do
  case "$1" in
    --open) address="${2:?--open takes an address of this machine}"; shift 2 ;;
    --mps) mps=yes; shift ;;
    --stop) stop=yes; shift ;;
    *) sed -n '2,19s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
  esac
done

if [[ ! -x "$ray" ]]; then
  echo "start.sh: nothing is installed in $root/.venv; run: make install EXTRAS=gpu,offline" >&2
  exit 2
fi

if [[ "$stop" == yes ]]; then
  "$ray" stop --grace-period 60
  export CUDA_MPS_PIPE_DIRECTORY="$home/mps" CUDA_MPS_LOG_DIRECTORY="$home/mps"
  if [[ -e "$CUDA_MPS_PIPE_DIRECTORY/control" ]] && command -v nvidia-cuda-mps-control >/dev/null; then
    echo quit | nvidia-cuda-mps-control || echo "start.sh: MPS was down already" >&2
  fi
  exit 0
fi

install -d -m 0700 "$home"
token="$home/ray-token"
if [[ ! -s "$token" ]]; then
  (umask 077 && "$root/.venv/bin/python" -c 'import secrets; print(secrets.token_hex(32), end="")' >"$token")
fi
[[ "$mps" == no ]] || start_mps "$home/mps"

others=1
profile=cluster
if [[ "$address" == 127.0.0.1 ]]; then
  others=0
  profile=local
fi
# The driver hands it to all nodes with the other settings, so the head alone has it.
export EARMARK_GOVERNOR__EXIT="${EARMARK_GOVERNOR__EXIT-this-site}"
[[ -n "$EARMARK_GOVERNOR__EXIT" ]] || unset EARMARK_GOVERNOR__EXIT
export RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="$others"  # Ray's name for "other machines may join"; 0 keeps all ports to loopback
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH="$token"
export RAY_USAGE_STATS_ENABLED=0 RAY_JOB_STOP_WAIT_TIME_S=60
export ORT_DISABLE_TELEMETRY=1 HF_HUB_DISABLE_TELEMETRY=1
export EARMARK_HOME="$home"
export PATH="$root/.venv/bin:$PATH"  # jobs say `python`
ulimit -n 65536 || echo "start.sh: only $(ulimit -n) files may be open at once" >&2

# Fixed ports, so that a firewall between two machines can name them: join.sh does.
"$ray" start --head --node-ip-address="$address" --port=6379 --dashboard-host=127.0.0.1 --dashboard-port=8265 \
  --node-manager-port=6380 --object-manager-port=6381 --dashboard-agent-grpc-port=6382 --metrics-export-port=6383 \
  --min-worker-port=20000 --max-worker-port=20999 --labels="earmark.io/kind=$(kind_here)" --disable-usage-stats

cat <<END

Ray is up. Jobs:   export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$token
                   $root/.venv/bin/python $root/run.py submit SOURCE --profile $profile --address http://127.0.0.1:8265
END
if [[ "$others" == 1 ]]; then
  echo "A second machine:  copy $token there (mode 0600), then cluster/boxes/join.sh $address TOKEN-FILE"
fi
