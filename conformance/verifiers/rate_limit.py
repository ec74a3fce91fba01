"""Verifies the rate limit of ten requests per user, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import subject
from context import Context
from locum_server import Response
from results import Case, Mismatch, expect_equal

SIZE = 10
REFILL_SECONDS = 60
CLOCK_SLACK_SECONDS = 2


def cases(context: Context) -> Iterator[Case]:
    yield Case(
        "rate_limit/the-eleventh-request-is-refused",
        "ten requests succeed with 9 to 0 remaining, the eleventh is refused with Retry-After, another user's succeeds",
        partial(check_limit, context),
    )
    yield Case(
        "rate_limit/refused-tokens-do-not-count",
        "twelve refused id_tokens of a user do not count against that user's limit",
        partial(check_refused_tokens, context),
    )
    yield Case(
        "rate_limit/later-refusals-count",
        "an authenticated request that is refused afterwards counts, and its response has the three headers",
        partial(check_later_refusals, context),
    )


def check_limit(context: Context) -> None:
    user_id = subject.fresh_user()
    token = subject.for_client("spa", user_id)
    started = time.time()
    for used in range(1, SIZE + 1):
        response = context.server.exchange("spa", token, api_type="app")
        response.issued("app")
        expect_headers(response, remaining=SIZE - used, started=started, used=used)
    if time.time() - started > REFILL_SECONDS / 2:
        raise Mismatch("ten requests took so long that the bucket was refilled: the machine is too slow for this case")
    refused = context.server.exchange("spa", token, api_type="app")
    refused.expect_error(429, "too_many_requests")
    expect_headers(refused, remaining=0, started=started, used=SIZE)
    if not 1 <= refused.integer("Retry-After") <= REFILL_SECONDS:
        raise Mismatch(f"Retry-After is {refused.integer('Retry-After')}, expected 1 to {REFILL_SECONDS}")
    other = context.server.exchange("spa", subject.for_client("spa"), api_type="app")
    other.issued("app")
    expect_equal("another user's X-RateLimit-Remaining", other.integer("X-RateLimit-Remaining"), SIZE - 1)


def expect_headers(response: Response, remaining: int, started: float, used: int) -> None:
    expect_equal("X-RateLimit-Limit", response.integer("X-RateLimit-Limit"), SIZE)
    expect_equal("X-RateLimit-Remaining", response.integer("X-RateLimit-Remaining"), remaining)
    full_at = started + used * REFILL_SECONDS
    reset = response.integer("X-RateLimit-Reset")
    if not full_at - CLOCK_SLACK_SECONDS <= reset <= full_at + CLOCK_SLACK_SECONDS + 1:
        raise Mismatch(f"X-RateLimit-Reset is {reset}, expected about {full_at:.0f}")


def check_refused_tokens(context: Context) -> None:
    user_id = subject.fresh_user()
    token = subject.for_client("spa", user_id)
    for _ in range(SIZE + 2):
        response = context.server.exchange("spa", subject.with_flipped_signature(token), api_type="app")
        response.expect_error(400, "invalid_grant")
    response = context.server.exchange("spa", token, api_type="app")
    response.issued("app")
    expect_equal("X-RateLimit-Remaining", response.integer("X-RateLimit-Remaining"), SIZE - 1)


def check_later_refusals(context: Context) -> None:
    token = subject.for_client("spa")
    refused = context.server.exchange("spa", token, api_type="app", target="no-such-app")
    refused.expect_error(401, "unauthorized")
    expect_equal("X-RateLimit-Remaining", refused.integer("X-RateLimit-Remaining"), SIZE - 1)
    response = context.server.exchange("spa", token, api_type="app")
    response.issued("app")
    expect_equal("X-RateLimit-Remaining after it", response.integer("X-RateLimit-Remaining"), SIZE - 2)
