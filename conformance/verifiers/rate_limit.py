"""Judge 5: the bucket of ten, as a caller sees it over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import subject
from context import Context
from delegation import Response
from results import Case, Mismatch, expect_equal

SIZE = 10
REFILL_SECONDS = 60
CLOCK_SLACK_SECONDS = 2


def cases(context: Context) -> Iterator[Case]:
    yield Case(
        "rate_limit/ten-and-the-eleventh",
        "ten requests pass with 9 to 0 remaining, the eleventh is refused with Retry-After, another user still passes",
        partial(bucket_holds, context),
    )
    yield Case(
        "rate_limit/bad-tokens-cost-nothing",
        "twelve refused id_tokens of a user take nothing from that user's bucket",
        partial(refused_tokens_are_free, context),
    )
    yield Case(
        "rate_limit/refusals-count-and-say-so",
        "an authenticated request that is refused later takes one and carries the three headers",
        partial(later_refusals_count, context),
    )


def bucket_holds(context: Context) -> None:
    user_id = subject.fresh_user()
    token = subject.for_client("spa", user_id)
    started = time.time()
    for taken in range(1, SIZE + 1):
        answer = context.server.exchange("spa", token, api_type="app")
        answer.issued("app")
        headers_tell(answer, remaining=SIZE - taken, since=started, missing=taken)
    if time.time() - started > REFILL_SECONDS / 2:
        raise Mismatch("ten requests took so long that the bucket refilled: the machine is too slow to judge this")
    refused = context.server.exchange("spa", token, api_type="app")
    refused.expect_error(429, "too_many_requests")
    headers_tell(refused, remaining=0, since=started, missing=SIZE)
    if not 1 <= refused.integer("Retry-After") <= REFILL_SECONDS:
        raise Mismatch(f"Retry-After is {refused.integer('Retry-After')}, not within 1 to {REFILL_SECONDS}")
    other = context.server.exchange("spa", subject.for_client("spa"), api_type="app")
    other.issued("app")
    expect_equal("another user's X-RateLimit-Remaining", other.integer("X-RateLimit-Remaining"), SIZE - 1)


def headers_tell(answer: Response, remaining: int, since: float, missing: int) -> None:
    expect_equal("X-RateLimit-Limit", answer.integer("X-RateLimit-Limit"), SIZE)
    expect_equal("X-RateLimit-Remaining", answer.integer("X-RateLimit-Remaining"), remaining)
    full_at = since + missing * REFILL_SECONDS
    reset = answer.integer("X-RateLimit-Reset")
    if not full_at - CLOCK_SLACK_SECONDS <= reset <= full_at + CLOCK_SLACK_SECONDS + 1:
        raise Mismatch(f"X-RateLimit-Reset is {reset}, but the bucket is full again at {full_at:.0f}")


def refused_tokens_are_free(context: Context) -> None:
    user_id = subject.fresh_user()
    token = subject.for_client("spa", user_id)
    for _ in range(SIZE + 2):
        answer = context.server.exchange("spa", subject.with_flipped_signature(token), api_type="app")
        answer.expect_error(400, "invalid_grant")
    answer = context.server.exchange("spa", token, api_type="app")
    answer.issued("app")
    expect_equal("X-RateLimit-Remaining", answer.integer("X-RateLimit-Remaining"), SIZE - 1)


def later_refusals_count(context: Context) -> None:
    token = subject.for_client("spa")
    refused = context.server.exchange("spa", token, api_type="app", target="no-such-app")
    refused.expect_error(401, "unauthorized")
    expect_equal("X-RateLimit-Remaining", refused.integer("X-RateLimit-Remaining"), SIZE - 1)
    answer = context.server.exchange("spa", token, api_type="app")
    answer.issued("app")
    expect_equal("X-RateLimit-Remaining after it", answer.integer("X-RateLimit-Remaining"), SIZE - 2)
