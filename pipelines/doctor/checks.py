"""Everything that the doctor looks at, in the order in which it is told, and the command."""

import json
from collections.abc import Sequence
from difflib import get_close_matches

import click

from actors.errors import ConfigError
from configs.home import home
from configs.settings import Settings
from pipelines.doctor import engine, gpu, machine, models, packages, sources, store
from pipelines.doctor.checkup import examine
from pipelines.doctor.child import STARTING_S
from pipelines.doctor.finding import Check, Finding, Surroundings

CHILD_S = gpu.LOOK_LIMIT_S + STARTING_S

CHECKS = (
    Check("Python", packages.python),
    Check("packages", packages.requirements),
    Check("clashes", packages.clashes),
    Check("disk", machine.disk),
    Check("shared memory", machine.shared_memory),
    Check("memory", machine.memory),
    Check("open files", machine.open_files),
    Check("ports", machine.ports),
    Check("Ray", engine.release),
    Check("Ray's token", engine.token),
    Check("cluster", engine.cluster, engine.CLUSTER_LIMIT_S + STARTING_S),
    Check("GPU", gpu.cards),
    Check("pools", machine.pools),
    Check("CTranslate2", gpu.ctranslate2, CHILD_S),
    Check("cuBLAS", gpu.cublas, CHILD_S),
    Check("torch", gpu.torch, CHILD_S),
    Check("yt-dlp", sources.release),
    Check("JavaScript runtime", sources.runtime, sources.ANSWER_S * 2),
    Check("cookies", sources.cookies, sources.COOKIES_LIMIT_S),
    Check("database", store.database, store.LIMIT_S),
    *models.checks(),
)

MARKS = {"ok": "ok", "warning": "warning", "wrong": "WRONG"}


def run_doctor(settings: Settings, only: Sequence[str], as_json: bool) -> int:
    """Look at everything, print a line for each finding; gives the exit code: 1 where something is wrong.

    Args:
        only: names of checks; none: all.

    Raises:
        ConfigError: there is no check of that name.
    """
    around = Surroundings(settings, home())
    around.home.keep_model_caches()
    found: list[Finding] = []
    for finding in examine(_chosen(only), around):
        found.append(finding)
        if not as_json:
            for line in told(finding):
                click.echo(line)
    n_wrong, n_warnings = (sum(each.level == level for each in found) for level in ("wrong", "warning"))
    if as_json:
        document = {
            "ok": not n_wrong, "wrong": n_wrong, "warnings": n_warnings,
            "findings": [each.document() for each in found],
        }  # fmt: skip
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        click.echo(f"{n_wrong} wrong, {n_warnings} warnings, {len(found)} looked at")
    return 1 if n_wrong else 0


def _chosen(only: Sequence[str]) -> list[Check]:
    if not only:
        return list(CHECKS)
    by_name = {check.name.casefold(): check for check in CHECKS}
    for name in only:
        if name.casefold() not in by_name:
            near = get_close_matches(name.casefold(), by_name, n=1)
            hint = f"did you mean {by_name[near[0]].name}? " if near else ""
            raise ConfigError(
                f"there is no check {name!r}",
                remedy=f"{hint}There are: {', '.join(check.name for check in CHECKS)}",
            )
    wanted = {name.casefold() for name in only}
    return [check for name, check in by_name.items() if name in wanted]


def told(finding: Finding) -> list[str]:
    """A finding as a person reads it: what is, and below it what to do."""
    first = f"{MARKS[finding.level]:<8} {finding.check:<19} {finding.said}"
    return [first, f"{'':<29}{finding.remedy}"] if finding.remedy else [first]
