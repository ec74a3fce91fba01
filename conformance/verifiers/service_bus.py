"""Verifies Service Bus SAS: fields, order and expiry by rules, the signature by two of Microsoft's own libraries."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import partial
from urllib.parse import parse_qs

from azure.servicebus._pyamqp.utils import generate_sas_token

import demo
import sas_text
import subject
from context import Context
from results import Case, expect_equal
from rules import expect_accepted, expect_refused, require

PREFIX = "SharedAccessSignature "
ORDER = ["sig", "se", "skn", "sr"]
CLOCK_SLACK_SECONDS = 5


def cases(context: Context) -> Iterator[Case]:
    yield Case(
        "service_bus/configured-entity",
        "fields, encoding and expiry satisfy the rules, both libraries compute this signature, tampered variants are refused",
        partial(check_sas, context, {}, demo.BUS_ENTITY),
    )
    yield Case(
        "service_bus/requested-entity",
        "a requested entityPath replaces the configured one if the settings allow it",
        partial(check_sas, context, {"entityPath": "news/subscriptions/mine"}, "news/subscriptions/mine"),
    )
    yield Case(
        "service_bus/bounds",
        "an entityPath beside the allowed ones is refused",
        partial(check_bounds, context),
    )


def check_bounds(context: Context) -> None:
    response = context.server.exchange("spa", subject.for_client("spa"), api_type="azure_sb", entityPath="invoices")
    response.expect_error(400, "invalid_request")


def check_sas(context: Context, parameters: dict[str, str], entity: str) -> None:
    response = context.server.exchange("spa", subject.for_client("spa"), api_type="azure_sb", **parameters)
    body = response.issued("azure_sb")
    expect_equal("the response's members", set(body), {"azure_sb_sas"})
    token = body["azure_sb_sas"]
    expect_accepted("the rules", "the SAS", lambda: check_rules(context, token, entity))
    for what, tampered in tampered_variants(token):
        expect_refused("the rules", f"a SAS {what}", partial(check_rules, context, tampered, entity))


def check_rules(context: Context, token: str, entity: str) -> None:
    fields = parse(token)
    require(fields["sr"] == f"http://{demo.BUS_NAMESPACE}.servicebus.windows.net/{entity}", f"sr is {fields['sr']}")
    require(fields["skn"] == demo.BUS_POLICY, f"skn is {fields['skn']}")
    require(re.fullmatch(r"[1-9]\d*", fields["se"]) is not None, f"se is {fields['se']}")
    distance = abs(int(fields["se"]) - (time.time() + demo.SAS_MINUTES * 60))
    require(distance <= CLOCK_SLACK_SECONDS, f"se is {fields['se']}, expected {demo.SAS_MINUTES} minutes from now")
    for library, expected in signatures(context, fields["sr"], int(fields["se"])).items():
        require(fields["sig"] == expected, f"sig is {fields['sig']}, {library} computes {expected}")


def parse(token: str) -> dict[str, str]:
    require(token.startswith(PREFIX), "the scheme is not SharedAccessSignature")
    fields = sas_text.parse(token.removeprefix(PREFIX), ORDER)
    require(list(fields) == ORDER, f"the only fields are {list(fields)}")
    return fields


def signatures(context: Context, resource: str, expiry: int) -> dict[str, str]:
    question = {"resource": resource, "policy": demo.BUS_POLICY, "key": demo.BUS_KEY, "expiry": expiry}
    tokens = {
        "@azure/core-amqp": context.node.ask("service-bus-sign.mjs", question)["token"],
        "azure-servicebus": generate_sas_token(resource, demo.BUS_POLICY, demo.BUS_KEY, expiry),
    }
    return {library: parse_qs(token.removeprefix(PREFIX))["sig"][0] for library, token in tokens.items()}


def tampered_variants(token: str) -> Iterator[tuple[str, str]]:
    fields = parse(token)

    def written(**changed: str) -> str:
        return PREFIX + sas_text.join({**fields, **changed})

    yield "with a changed signature", written(sig=subject.with_other_first_character(fields["sig"]))
    yield "that expires a second later", written(se=str(int(fields["se"]) + 1))
    yield "for another entity", written(sr=fields["sr"] + "2")
    yield "of another policy", written(skn="other")
    yield "for https", written(sr=fields["sr"].replace("http:", "https:"))
    yield "with lower-case escapes", token.replace("%3A", "%3a")
    yield "with a repeated field", token + "&skn=" + demo.BUS_POLICY
    yield "without its scheme", token.removeprefix(PREFIX)
