"""Finds the metrics and labels that rules and dashboards name, and those of them that nobody serves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

METRIC = re.compile(r"\b(?:locum|process)_[a-z_]+\b|\bup\b")
SELECTOR = re.compile(r"((?:locum|process)_[a-z_]+)\{([^{}]*)\}")
LABEL = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)")
GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^()]*)\)")


def rule_expressions(rules: str) -> list[str]:
    """The expressions of rules in YAML, found by their key: one line, or the indented lines after `>-`."""
    expressions = re.findall(r"^ +expr: (?:>-\n((?: {10,}.*\n)+)|(.*)\n)", rules, re.MULTILINE)
    return [" ".join((folded or plain).split()) for folded, plain in expressions]


def dashboard_expressions(dashboard: str) -> list[str]:
    return list(strings_at("expr", json.loads(dashboard))) + list(variables(json.loads(dashboard)))


def strings_at(key: str, document: object) -> Iterator[str]:
    if isinstance(document, dict):
        for name, value in document.items():
            if name == key and isinstance(value, str):
                yield value
            else:
                yield from strings_at(key, value)
    elif isinstance(document, list):
        for item in document:
            yield from strings_at(key, item)


def variables(dashboard: dict) -> Iterator[str]:
    """What the dashboard's variables query, without Grafana's own function around it."""
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield re.sub(r"^label_values\((.*), [a-z_]+\)$", r"\1", variable["query"])


def executable(expression: str) -> str:
    """With Grafana's variables filled in."""
    return expression.replace("$__rate_interval", "1m").replace("$instance", ".+")


def unknown(expressions: list[str], served: dict[str, set[str]]) -> list[str]:
    """The metrics that are named and not served, and the labels that their metrics, or all of them, do not have."""
    found = set()
    all_labels = set().union(*served.values(), {"le", "alertname"})
    for expression in expressions:
        texts = re.sub(r'"[^"]*"', '""', expression)
        found.update(name for name in METRIC.findall(texts) if name not in served)
        for name, selector in SELECTOR.findall(texts):
            labels = LABEL.findall(selector)
            found.update(f"{name}{{{label}}}" for label in labels if label not in served.get(name, all_labels))
        for grouping in GROUPING.findall(texts):
            labels = [label.strip() for label in grouping.split(",") if label.strip()]
            found.update(label for label in labels if label not in all_labels)
    return sorted(found)


def read(folder: Path) -> list[str]:
    """All expressions of `alerts.yml` and `dashboard.json`."""
    rules = rule_expressions((folder / "alerts.yml").read_text(encoding="utf-8"))
    return rules + dashboard_expressions((folder / "dashboard.json").read_text(encoding="utf-8"))
