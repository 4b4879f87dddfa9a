# What start.sh and join.sh share; sourced by them.

# gpu where the driver shows a card, else cpu.
kind_here() {
  if command -v nvidia-smi >/dev/null && nvidia-smi --list-gpus >/dev/null 2>&1; then
    echo gpu
  else
    echo cpu
  fi
}

# Has MPS up with its pipes in directory $1. One that is up there already stays.
start_mps() {
  if ! command -v nvidia-cuda-mps-control >/dev/null; then
    echo "${0##*/}: nvidia-cuda-mps-control isn't here; it comes with NVIDIA's driver" >&2
    exit 2
  fi
  install -d -m 0700 "$1"
  export CUDA_MPS_PIPE_DIRECTORY="$1" CUDA_MPS_LOG_DIRECTORY="$1"
  if ! echo get_server_list | nvidia-cuda-mps-control >/dev/null 2>&1; then
    nvidia-cuda-mps-control -d
  fi
}
