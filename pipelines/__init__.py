"""The flow of videos through Ray. What Ray reads from the environment at its import is set here, before any."""

from cluster.switches import set_switches

set_switches()
