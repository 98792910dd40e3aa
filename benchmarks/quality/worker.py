"""A worker: imports the libraries once, then runs each job in a fork of itself.

So every fit has a process of its own, without the cost of the imports. `benchmarks.quality.slots` starts it; it reads
jobs and writes rows or an error, a line of JSON each.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from benchmarks.quality.experiments.table import work_of
from benchmarks.quality.jobs import Job
from benchmarks.quality.methods import method_of


def main(argv: Sequence[str]) -> int:
    """Run jobs until there are no more.

    Args:
        argv: The allowed CPUs, separated by commas (empty: all), and the modules to import first.
    """
    cpus, *modules = argv
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # the output of libraries must not mix with answers
    if cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(map(int, cpus.split(","))))
    warnings.simplefilter("ignore")
    for module in modules:
        importlib.import_module(module)
    for line in sys.stdin:
        print(json.dumps(_in_fork(Job.from_json(line))), file=answers, flush=True)
    return 0


def _in_fork(job: Job) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        with os.fdopen(writing, "w") as answer:
            json.dump(_done(job), answer)
        os._exit(0)  # no clean-up of what belongs to the parent
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code or not text:
        end = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return {"error": f"its process {end}"}
    answer_of: dict[str, Any] = json.loads(text)
    return answer_of


def _done(job: Job) -> dict[str, Any]:
    try:
        if "method" in job.key:
            method_of(job.key["method"]).warms_up()
        return {"rows": [dict(row) for row in work_of(job.experiment)(job)]}
    except Exception as error:  # an error of a foreign method is one row without figures
        lines = str(error).strip().splitlines() or [""]
        return {"error": f"{type(error).__name__}: {lines[0]}"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
