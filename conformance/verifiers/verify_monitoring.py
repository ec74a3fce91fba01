"""Lets promtool and a real Prometheus verify the metrics of a server with the demo tenant, its alerts and its dashboard.

The server must be fresh: what Prometheus has scraped is compared with what was sent.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import http_client
import metric_names
import subject
from locum_server import LocumServer
from prometheus import Prometheus, promtool, scraping
from results import Case, Mismatch, Report, expect_equal, run_cases

EXCHANGES = 7
LIMIT = 10
"""Tokens of a user's rate-limit bucket."""


@dataclass
class Context:
    server: LocumServer
    metrics_url: str
    folder: Path
    scratch: Path
    sent: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """What was sent, by endpoint, api_type and outcome."""


def cases(context: Context) -> Iterator[Case]:
    yield case("rules-are-valid", "promtool accepts alerts.yml", partial(check_rules, context))
    yield case("rules-pass-their-tests", "each alert fires on a fault, and none without one", partial(test_rules, context))
    send_requests(context)
    yield case("metrics-are-valid", "promtool finds nothing in a scrape", partial(check_metrics, context))
    with scraping(context.metrics_url, context.folder / "alerts.yml", context.scratch) as prometheus:
        yield case(
            "prometheus-counts-what-was-sent",
            "the requests by endpoint, api_type and outcome, and no others; steps and calls accordingly",
            partial(check_counts, context, prometheus),
        )
        yield case(
            "every-named-metric-is-served",
            "each metric and label in alerts.yml and dashboard.json is in the scrape",
            partial(check_names, context, prometheus),
        )
        yield case(
            "a-misspelt-name-is-found",
            "a metric or label with one letter changed is reported, in rules and in the dashboard",
            partial(check_misspelt, context, prometheus),
        )
        yield case(
            "every-expression-is-evaluated",
            "Prometheus evaluates each expression of the dashboard, and every alert without an error",
            partial(check_expressions, context, prometheus),
        )


def case(name: str, description: str, run: partial[None]) -> Case:
    return Case(f"monitoring/{name}", description, run)


def check_rules(context: Context) -> None:
    promtool("check", "rules", "alerts.yml", directory=context.folder)


def test_rules(context: Context) -> None:
    promtool("test", "rules", "alerts.test.yml", directory=context.folder)


def check_metrics(context: Context) -> None:
    """In the format that promtool reads."""
    status, headers, content = http_client.send(urllib.request.Request(f"{context.metrics_url}/metrics"))
    expect_equal("the status of the scrape", status, 200)
    expect_equal("its type", headers.get_content_type(), "text/plain")
    output = promtool("check", "metrics", directory=context.folder, stdin=content.decode("utf-8"))
    if output.strip():
        raise Mismatch(f"promtool check metrics: {output}")


def send_requests(context: Context) -> None:
    """Exchanges and refusals of several kinds."""
    for _ in range(EXCHANGES):
        exchange(context, subject.for_client("spa"), "app", "app", "issued")
    token = subject.for_client("spa")
    for used in range(LIMIT + 3):
        exchange(context, token, "firebase", "firebase", "issued" if used < LIMIT else "too_many_requests")
    exchange(context, subject.with_flipped_signature(token), "app", "app", "invalid_grant")
    exchange(context, subject.for_client("spa"), "no-such-kind", "other", "invalid_request")
    # No upstream answers here.
    employee = subject.for_client("spa", email="alice@example.com", email_verified=True)
    exchange(context, employee, "sap_api", "sap_api", "upstream_unreachable")
    context.server.post("/delegation", {"client_id": "spa"})
    context.sent["delegation", "none", "invalid_request"] += 1
    context.server.post("/oauth/revoke", {"client_id": "spa", "token": token})
    context.sent["revocation", "none", "unsupported_token_type"] += 1


STATUS = {
    "issued": 200,
    "invalid_grant": 400,
    "invalid_request": 400,
    "too_many_requests": 429,
    "upstream_unreachable": 502,
}


def exchange(context: Context, token: str, api_type: str, counted_as: str, outcome: str) -> None:
    response = context.server.exchange("spa", token, api_type=api_type)
    expect_equal(f"the status of a request for {api_type}", response.status, STATUS[outcome])
    context.sent["delegation", counted_as, outcome] += 1


def check_counts(context: Context, prometheus: Prometheus) -> None:
    prometheus.await_value("sum(locum_requests_total)", context.sent.total())
    counted = {
        (labels["endpoint"], labels["api_type"], labels["outcome"]): value
        for labels, value in prometheus.values("locum_requests_total > 0")
    }
    expect_equal("what Prometheus has counted", counted, dict(context.sent))
    # One request could not be read. An upstream was asked for one credential more than was issued.
    read = context.sent.total() - 1
    issued = sum(n for (*_, outcome), n in context.sent.items() if outcome == "issued")
    for step, count in [("authenticate", read), ("audit", read), ("issue", issued + 1)]:
        query = f'locum_stage_duration_seconds_count{{stage="{step}"}}'
        expect_equal(query, prometheus.value(query), count)
    query = 'locum_plugin_calls_total{plugin="app", op="issue", outcome="answered"}'
    calls = prometheus.value(query)
    if calls is None or calls < EXCHANGES:
        raise Mismatch(f"{query} is {calls}, expected at least {EXCHANGES}")
    expect_equal("plugin calls that were timed", prometheus.value("sum(locum_plugin_call_duration_seconds_count)"),
                 prometheus.value("sum(locum_plugin_calls_total)"))
    query = 'sum(locum_upstream_duration_seconds_count{outcome="unreachable"})'
    expect_equal(query, prometheus.value(query), 1)


def check_names(context: Context, prometheus: Prometheus) -> None:
    expressions = metric_names.read(context.folder)
    if len(expressions) < 30:
        raise Mismatch(f"only {len(expressions)} expressions were found in alerts.yml and dashboard.json")
    expect_equal("what is named and not served", metric_names.unknown(expressions, prometheus.labels_by_name()), [])


def check_misspelt(context: Context, prometheus: Prometheus) -> None:
    served = prometheus.labels_by_name()
    rules = (context.folder / "alerts.yml").read_text(encoding="utf-8")
    dashboard = (context.folder / "dashboard.json").read_text(encoding="utf-8")
    for right, wrong, expected in [
        ("locum_audit_dropped_total", "locum_audit_dropped", ["locum_audit_dropped"]),
        ("locum_buckets", "locum_bucket", ["locum_bucket"]),
        ("by (instance, origin, le)", "by (instance, target, le)", ["target"]),
        ("locum_requests_total{outcome=", "locum_requests_total{outcom=", ["locum_requests_total{outcom}"]),
    ]:
        expressions = metric_names.rule_expressions(rules.replace(right, wrong))
        expect_equal(f"what is found if {right} is {wrong}", metric_names.unknown(expressions, served), expected)
    expressions = metric_names.dashboard_expressions(dashboard.replace("process_threads", "process_thread"))
    expect_equal("what is found in the dashboard", metric_names.unknown(expressions, served), ["process_thread"])


def check_expressions(context: Context, prometheus: Prometheus) -> None:
    for expression in metric_names.read(context.folder):
        prometheus.values(metric_names.executable(expression))
    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    written = (context.folder / "alerts.yml").read_text(encoding="utf-8").count("- alert: ")
    expect_equal("the number of alerts that Prometheus has loaded", len(rules), written)
    broken = [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] == "err"]
    expect_equal("the alerts that Prometheus cannot evaluate", broken, [])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", required=True, help="the server to verify, such as http://127.0.0.1:8080")
    parser.add_argument("--metrics-url", required=True, help="its listener for metrics, such as http://127.0.0.1:9464")
    parser.add_argument("--folder", type=Path, required=True, help="the folder of alerts.yml and dashboard.json")
    parser.add_argument("--report", type=Path, help="file to write the results to, as JSON")
    parser.add_argument("--strict", action="store_true", help="count a case that was not run as a failure")
    options = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="locum-monitoring-") as scratch:
        server = LocumServer(options.base_url.rstrip("/"))
        metrics_url, folder = options.metrics_url.rstrip("/"), options.folder.resolve()
        context = Context(server, metrics_url, folder, Path(scratch))
        report.add(run_cases("monitoring", cases(context), lambda _: True))
    return report.finish(options.report, options.strict)


if __name__ == "__main__":
    sys.exit(main())
