"""Verifies SAML responses: the receivers accept a valid one and refuse its tampered variants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from lxml import etree

import aws_sts
import demo
import saml_maker
import subject
from context import Context
from results import Case, Mismatch
from rules import Refused, expect_accepted
from saml_maker import Facts
from saml_receivers import NAMES, SIGNATURE_RECEIVERS, Trust, receivers

HOLDER_OF_KEY = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"


def cases(context: Context) -> Iterator[Case]:
    facts = Facts(demo.SAML_ISSUER, "auth0|<alice> & \"co\" 'ü'", demo.AWS_SIGN_IN, demo.AWS_SIGN_IN)
    response = aws_sts.response(context.keys, facts)
    yield Case(
        "saml/reference",
        f"{', '.join(receivers(context.node))} accept signxml's response and refuse its tampered variants",
        partial(check_receivers, context, response, facts, aws_sts.trust(context.keys.certificate)),
    )


def check_receivers(context: Context, response: bytes, facts: Facts, trust: Trust) -> None:
    """Every receiver accepts the response. Each one that checks signatures refuses every response with an invalid
    signature, and at least one receiver refuses each response with wrong facts."""
    for name, receive in receivers(context.node).items():
        expect_accepted(name, "the response", lambda receive=receive: receive(response, trust))
    for what, tampered in broken_signatures(context, response, facts):
        for name in accepting_receivers(context, tampered, trust):
            if name in SIGNATURE_RECEIVERS:
                raise Mismatch(f"{name} accepted a response {what}")
    for what, tampered in wrong_facts(context, facts):
        if len(accepting_receivers(context, tampered, trust)) == len(receivers(context.node)):
            raise Mismatch(f"every receiver accepted a response {what}")


def accepting_receivers(context: Context, response: bytes, trust: Trust) -> list[str]:
    accepting = []
    for name, receive in receivers(context.node).items():
        try:
            receive(response, trust)
        except Refused:
            continue
        accepting.append(name)
    return accepting


def broken_signatures(context: Context, response: bytes, facts: Facts) -> Iterator[tuple[str, bytes]]:
    yield "with a changed signature", edited(response, ".//ds:SignatureValue", flip)
    yield "with a changed subject", edited(response, ".//saml:NameID", lambda element: set_text(element, "auth0|root"))
    yield "with a changed audience", edited(response, ".//saml:Audience", lambda element: set_text(element, "other"))
    yield "with a changed digest", edited(response, ".//ds:DigestValue", flip)
    yield (
        "without a signature",
        edited(response, ".//ds:Signature", lambda element: element.getparent().remove(element)),
    )
    other = saml_maker.assertion(facts, context.keys.firebase, context.keys.certificate)
    yield "signed by another key", wrapped(other, facts)


def wrong_facts(context: Context, facts: Facts) -> Iterator[tuple[str, bytes]]:
    def signed(digest: str = "sha256", **changes: object) -> etree._Element:
        return saml_maker.assertion(facts.changed(**changes), context.keys.tenant, context.keys.certificate, digest)

    for what, changes in (
        ("that has expired", {"starts": -900, "expires": -600, "confirmation_expires": -600}),
        ("that is not yet valid", {"starts": 600, "expires": 900, "confirmation_expires": 900}),
        ("for another audience", {"audience": "https://other.example.com"}),
        ("for no audience", {"audience": None}),
        ("for another recipient", {"recipient": "https://other.example.com/saml"}),
        ("for no recipient", {"recipient": None}),
        ("of another issuer", {"issuer": "urn:other.example.com"}),
        ("without conditions", {"conditions": False}),
        ("without an expiry", {"expires": None}),
        ("whose confirmation has no expiry", {"confirmation_expires": None}),
        ("whose confirmation has expired", {"confirmation_expires": -60}),
        ("with a holder-of-key confirmation", {"method": HOLDER_OF_KEY}),
        ("with a lifetime of a day", {"expires": 86_400, "confirmation_expires": 86_400}),
    ):
        yield what, wrapped(signed(**changes), facts)
    yield "signed with SHA-1", wrapped(signed(digest="sha1"), facts)
    forged = etree.fromstring(saml_maker.unsigned(facts.changed(subject="auth0|root")))
    forged.remove(forged.find("ds:Signature", NAMES))
    yield "with a forged assertion before the signed one", wrapped(forged, facts, signed())
    yield "with the signed assertion hidden in a forged one", wrapped(signature_wrapped(forged, signed()), facts)
    yield "with its signature in the wrong place", wrapped(signature_last(signed()), facts)
    yield (
        "for another destination",
        saml_maker.response(signed(), destination="https://x.example.com", issuer=facts.issuer),
    )


def signature_wrapped(forged: etree._Element, genuine: etree._Element) -> etree._Element:
    """A signature wrapping attack: the forged assertion holds the genuine one inside the signature's Object."""
    signature = genuine.find("ds:Signature", NAMES)
    genuine.remove(signature)
    etree.SubElement(signature, f"{{{saml_maker.DS}}}Object").append(genuine)
    forged.insert(1, signature)
    return forged


def signature_last(genuine: etree._Element) -> etree._Element:
    """Its signature still verifies, because an enveloped signature does not cover itself; only the schema forbids it."""
    genuine.append(genuine.find("ds:Signature", NAMES))
    return genuine


def wrapped(first: etree._Element, facts: Facts, *others: etree._Element) -> bytes:
    return saml_maker.response(first, *others, destination=facts.recipient, issuer=facts.issuer)


def edited(response: bytes, path: str, edit: Callable[[etree._Element], object]) -> bytes:
    root = etree.fromstring(response)
    edit(root.find(path, NAMES))
    return etree.tostring(root)


def set_text(element: etree._Element, text: str) -> None:
    element.text = text


def flip(element: etree._Element) -> None:
    element.text = subject.with_other_first_character((element.text or "").strip())
