"""Cases, their results, and the report of a run."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

CRASHED = "the verifier itself crashed"


class Mismatch(Exception):
    """The server's output differs from what the case expects; the text says how."""


class NotRun(Exception):
    """The case could not be run; the text says why."""


class Outcome(StrEnum):
    OK = "ok"
    FAIL = "FAIL"
    NOT_RUN = "NOT RUN"


@dataclass(frozen=True)
class Case:
    """One fact to verify: `run` returns if it holds and raises `Mismatch` or `NotRun` otherwise."""

    name: str
    description: str
    run: Callable[[], None]


@dataclass(frozen=True)
class CaseResult:
    name: str
    outcome: Outcome
    detail: str

    def line(self) -> str:
        return f"{self.outcome} {self.name}: {self.detail}"


@dataclass
class Report:
    """All results of one run."""

    results: list[CaseResult] = field(default_factory=list)

    def count(self, outcome: Outcome) -> int:
        return sum(result.outcome is outcome for result in self.results)

    def summary(self) -> str:
        return (
            f"{self.count(Outcome.OK)} passed, {self.count(Outcome.FAIL)} failed, {self.count(Outcome.NOT_RUN)} not run"
        )

    def add(self, results: Iterable[CaseResult]) -> None:
        """Prints each result when it is there."""
        for result in results:
            print(result.line(), flush=True)
            self.results.append(result)

    def finish(self, path: Path | None, strict: bool) -> int:
        """Writes the results to this file, if there is one, and prints how many there are. Returns the exit code."""
        if path:
            self.write(path)
        print(self.summary())
        return 0 if self.is_success(strict) else 1

    def is_success(self, strict: bool) -> bool:
        """Whether at least one case passed and none failed; if strict, also whether every case was run."""
        complete = not strict or self.count(Outcome.NOT_RUN) == 0
        return complete and self.count(Outcome.FAIL) == 0 and self.count(Outcome.OK) > 0

    def write(self, path: Path) -> None:
        document = {
            "schema": 1,
            "passed": self.count(Outcome.OK),
            "failed": self.count(Outcome.FAIL),
            "not_run": self.count(Outcome.NOT_RUN),
            "results": [asdict(result) for result in self.results],
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def run_case(case: Case) -> CaseResult:
    try:
        case.run()
    except Mismatch as mismatch:
        return CaseResult(case.name, Outcome.FAIL, one_line(mismatch))
    except NotRun as reason:
        return CaseResult(case.name, Outcome.NOT_RUN, one_line(reason))
    except Exception as error:  # a verifier that crashes has verified nothing: its case fails
        return CaseResult(case.name, Outcome.FAIL, crashed(error))
    return CaseResult(case.name, Outcome.OK, case.description)


def run_cases(group: str, cases: Iterable[Case], wanted: Callable[[str], bool]) -> Iterator[CaseResult]:
    """Runs each wanted case when it is yielded, so that a group can keep its external server running meanwhile."""
    try:
        for case in cases:
            if wanted(case.name):
                yield run_case(case)
    except NotRun as reason:
        yield CaseResult(group, Outcome.NOT_RUN, one_line(reason))
    except Exception as error:
        yield CaseResult(group, Outcome.FAIL, crashed(error))


def expect_equal(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise Mismatch(f"{what} is {shown(found)}, expected {shown(expected)}")


def shown(value: object) -> str:
    """The same text for equal values: sets are sorted."""
    return repr(sorted(value)) if isinstance(value, set) else repr(value)


def crashed(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    return one_line(f"{CRASHED} at {Path(place.filename).name}:{place.lineno}: {type(error).__name__}: {error}")


def one_line(text: object) -> str:
    return " ".join(str(text).split())[:600]
