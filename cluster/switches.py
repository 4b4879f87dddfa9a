"""The switches that Ray and the libraries beside it read from the environment. Imports nothing heavy: every command does."""

import os

SWITCHES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # A thread that outlives ray.shutdown() must not start a cluster of its own.
    "RAY_ENABLE_AUTO_CONNECT": "0",
    # Under `uv run` Ray would build a second environment for its workers.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    # Ray's name for "other machines may join": else a Ray of one machine keeps to loopback, all its ports.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    # What the dashboard can tell of tasks gone by; Ray's 100,000 of them take half a gigabyte.
    "RAY_task_events_max_num_task_in_gcs": "10000",
    # The Linux builds of ONNX Runtime, which runs the voice detector, report to Microsoft unless told not to.
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}

STOP_WAIT_S = 60
"""Seconds that a job which is stopped has for its own end before Ray kills it: rows are given back, books done,
actors ended."""


def set_switches() -> None:
    """What Ray reads at import; call before the first ``import ray``. The user's own values stand."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
