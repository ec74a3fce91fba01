"""Judge 7: a Service Bus SAS is the one that two of Microsoft's own libraries sign for the same fields."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import partial
from urllib.parse import parse_qs, quote, unquote

from azure.servicebus._pyamqp.utils import generate_sas_token

import demo
import subject
from context import Context
from results import Case, Mismatch, expect_equal

PREFIX = "SharedAccessSignature "
ORDER = ["sig", "se", "skn", "sr"]
CLOCK_SLACK_SECONDS = 5


def cases(context: Context) -> Iterator[Case]:
    yield Case(
        "service_bus/configured-entity",
        "fields, encoding and end hold, both libraries compute this signature, and tampered neighbours are refused",
        partial(sas_holds, context, {}, demo.BUS_ENTITY),
    )
    yield Case(
        "service_bus/requested-entity",
        "a requested entityPath moves the signature to that entity",
        partial(sas_holds, context, {"entityPath": "news/subscriptions/mine"}, "news/subscriptions/mine"),
    )


def sas_holds(context: Context, parameters: dict[str, str], entity: str) -> None:
    answer = context.server.exchange("spa", subject.for_client("spa"), api_type="azure_sb", **parameters)
    body = answer.issued("azure_sb")
    expect_equal("the answer's members", set(body), {"azure_sb_sas"})
    sas = body["azure_sb_sas"]
    obey(context, sas, entity)
    for what, tampered in tampered_variants(sas):
        try:
            obey(context, tampered, entity)
        except Mismatch:
            continue
        raise Mismatch(f"our rules accept a SAS {what}")


def obey(context: Context, sas: str, entity: str) -> None:
    """Holds if every rule does; `Mismatch` otherwise."""
    fields = read(sas)
    rule(fields["sr"] == f"http://{demo.BUS_NAMESPACE}.servicebus.windows.net/{entity}", f"sr is {fields['sr']}")
    rule(fields["skn"] == demo.BUS_POLICY, f"skn is {fields['skn']}")
    rule(re.fullmatch(r"[1-9]\d*", fields["se"]) is not None, f"se is {fields['se']}")
    end = time.time() + demo.SAS_MINUTES * 60
    rule(
        abs(int(fields["se"]) - end) <= CLOCK_SLACK_SECONDS, f"se is {fields['se']}, not in {demo.SAS_MINUTES} minutes"
    )
    for library, expected in signatures(context, fields["sr"], int(fields["se"])).items():
        rule(fields["sig"] == expected, f"sig is {fields['sig']}, {library} computes {expected}")


def read(sas: str) -> dict[str, str]:
    rule(sas.startswith(PREFIX), "it is no SharedAccessSignature")
    pairs = [part.partition("=") for part in sas.removeprefix(PREFIX).split("&")]
    names = [name for name, _, _ in pairs]
    rule(names == ORDER, f"its fields stand as {names}")
    for name, _, value in pairs:
        rule(quote(unquote(value), safe="") == value, f"{name} is not percent-encoded")
    return {name: unquote(value) for name, _, value in pairs}


def signatures(context: Context, resource: str, end: int) -> dict[str, str]:
    question = {"resource": resource, "policy": demo.BUS_POLICY, "key": demo.BUS_KEY, "end": end}
    tokens = {
        "@azure/core-amqp": context.node.ask("service-bus-sign.mjs", question)["token"],
        "azure-servicebus": generate_sas_token(resource, demo.BUS_POLICY, demo.BUS_KEY, end),
    }
    return {library: parse_qs(token.removeprefix(PREFIX))["sig"][0] for library, token in tokens.items()}


def tampered_variants(sas: str) -> Iterator[tuple[str, str]]:
    fields = read(sas)

    def written(**changed: str) -> str:
        return PREFIX + "&".join(f"{name}={quote({**fields, **changed}[name], safe='')}" for name in ORDER)

    flipped = ("B" if fields["sig"][0] == "A" else "A") + fields["sig"][1:]
    yield "with a changed signature", written(sig=flipped)
    yield "that ends a second later", written(se=str(int(fields["se"]) + 1))
    yield "for another entity", written(sr=fields["sr"] + "2")
    yield "of another policy", written(skn="other")
    yield "for https", written(sr=fields["sr"].replace("http:", "https:"))
    yield "with lower-case escapes", sas.replace("%3A", "%3a")
    yield "with a field given twice", sas + "&skn=" + demo.BUS_POLICY
    yield "without its scheme", sas.removeprefix(PREFIX)


def rule(holds: bool, broken: str) -> None:
    if not holds:
        raise Mismatch(f"the SAS is wrong: {broken}")
