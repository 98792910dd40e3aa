"""Runs the jobs that have no results yet in parallel, and stores the rows of each as soon as it is done."""

from __future__ import annotations

import queue
import shlex
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.quality.jobs import Job
from benchmarks.quality.record import append_run
from benchmarks.quality.results import Results, Row
from benchmarks.quality.slots import JobError, Slot

WORKER_LOG: Final = "workers.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How jobs are run.

    Args:
        jobs: Number of jobs at once.
        threads: Threads of each job; None for the libraries' own choice.
        timeout: Seconds after which a job is ended.
        again: Whether jobs that failed before are run again.
    """

    jobs: int = 1
    threads: int | None = None
    timeout: float = 3600.0
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Counts of jobs done before, now, and failed now; whether the run was stopped."""

    before: int
    now: int
    failed: int
    interrupted: bool


def run(jobs: Sequence[Job], *, results: Results, way: Way, console: Console) -> Outcome:
    """Run the jobs that have no rows yet.

    Args:
        jobs: All jobs.
        results: Where their rows are kept.
        way: How they are run.
        console: The terminal for the progress bar and failures.
    """
    if results.mend():
        console.print(f"{results.path}: the last line was cut; it was taken away, and its job is run again")
    done = results.done(again=way.again)
    todo = [job for job in jobs if tuple(job.key.values()) not in done]
    # Jobs with the same imports follow each other, so that a slot seldom imports again.
    first = {modules: number for number, modules in reversed(list(enumerate(job.modules for job in todo)))}
    waiting = deque(sorted(todo, key=lambda job: first[job.modules]))
    before = len(jobs) - len(todo)
    if not waiting:
        return Outcome(before=before, now=0, failed=0, interrupted=False)
    slots = [
        Slot(number=number, threads=way.threads, timeout=way.timeout, log=results.path.parent / WORKER_LOG)
        for number in range(min(way.jobs, len(waiting)))
    ]
    answers: queue.SimpleQueue[tuple[Job, list[Row] | JobError]] = queue.SimpleQueue()
    for slot in slots:
        threading.Thread(target=_work, args=(slot, waiting, answers), daemon=True).start()
    failed = now = 0
    interrupted = False
    with _bar(console) as bar:
        task = bar.add_task("", total=len(jobs), completed=before, at="", failed="")
        try:
            for _ in range(len(todo)):
                job, answer = answers.get()
                now += 1
                if isinstance(answer, JobError):
                    failed += 1
                    console.print(f"[yellow]no figures: {escape(job.title)}: {escape(str(answer))}[/yellow]")
                    answer = [job.key]
                results.append(answer)
                bar.update(task, advance=1, at=job.title, failed=f", {failed} without figures" if failed else "")
        except KeyboardInterrupt:
            interrupted = True
        finally:
            waiting.clear()
            for slot in slots:
                slot.close()
    return Outcome(before=before, now=now, failed=failed, interrupted=interrupted)


def run_and_record(
    benchmark: str,
    experiment: str,
    command: Sequence[str],
    jobs: Sequence[Job],
    *,
    results: Results,
    way: Way,
    console: Console,
) -> Outcome:
    """Run jobs as `run` does, record the run beside the results, and say what was done.

    Args:
        benchmark: The module of the program, such as ``benchmarks.quality``.
        experiment: What is measured.
        command: The words behind the program's name.
        jobs: All jobs.
        results: The results so far, and the new ones.
        way: How jobs are run.
        console: The terminal for the progress bar, failures and the last line.
    """
    started = time.time()
    outcome = run(jobs, results=results, way=way, console=console)
    append_run(
        results.path.parent,
        experiment=experiment,
        command=f"python -m {benchmark} {shlex.join(command)}",
        started=started,
        seconds=time.time() - started,
        done=outcome.now,
        jobs=way.jobs,
        threads=way.threads,
        modules=sorted({module for job in jobs for module in job.modules}),
    )
    console.print(
        f"{outcome.before + outcome.now:,} of {len(jobs):,} done, {outcome.now:,} of them now, "
        f"{outcome.failed:,} without figures: {results.path}",
        soft_wrap=True,
    )
    if outcome.interrupted:
        console.print("stopped; the same command goes on")
    return outcome


def _work(slot: Slot, waiting: deque[Job], answers: queue.SimpleQueue[tuple[Job, list[Row] | JobError]]) -> None:
    while True:
        try:
            job = waiting.popleft()
        except IndexError:
            return
        try:
            answers.put((job, slot.run(job)))
        except JobError as failure:
            answers.put((job, failure))


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("measuring"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[at]}{task.fields[failed]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
