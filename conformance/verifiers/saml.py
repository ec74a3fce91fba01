"""Judge 10: a SAML response is taken by every receiver as it is, and by none once it is tampered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from lxml import etree

import demo
import saml_maker
from context import Context
from demo import AWS_SIGN_IN
from results import Case, Mismatch
from saml_maker import Facts
from saml_receivers import NAMES, SIGNATURE_RECEIVERS, Refused, Trust, receivers

HOLDER_OF_KEY = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"


def cases(context: Context) -> Iterator[Case]:
    facts = Facts(demo.SAML_ISSUER, "auth0|<alice> & \"co\" 'ü'", AWS_SIGN_IN, AWS_SIGN_IN)
    trust = Trust(demo.SAML_ISSUER, AWS_SIGN_IN, AWS_SIGN_IN, context.keys.certificate)
    made = saml_maker.assertion(facts, context.keys.tenant, context.keys.certificate)
    response = saml_maker.response(made, destination=AWS_SIGN_IN, issuer=facts.issuer)
    yield Case(
        "saml/reference",
        f"{', '.join(receivers(context.node))} take signxml's response and refuse its tampered neighbours",
        partial(receivers_bite, context, response, facts, trust),
    )


def receivers_bite(context: Context, response: bytes, facts: Facts, trust: Trust) -> None:
    """Every receiver takes the response; each broken signature is refused by all, each wrong fact by at least one."""
    for name, receive in receivers(context.node).items():
        try:
            receive(response, trust)
        except Refused as refusal:
            raise Mismatch(f"{name} refuses the response: {refusal}") from refusal
    for what, tampered in broken_signatures(context, response, facts):
        for name in numb(context, tampered, trust):
            if name in SIGNATURE_RECEIVERS:
                raise Mismatch(f"{name} accepts a response {what}")
    for what, tampered in wrong_facts(context, facts):
        if len(numb(context, tampered, trust)) == len(receivers(context.node)):
            raise Mismatch(f"every receiver accepts a response {what}")


def numb(context: Context, tampered: bytes, trust: Trust) -> list[str]:
    """The receivers that accept it all the same."""
    accepting = []
    for name, receive in receivers(context.node).items():
        try:
            receive(tampered, trust)
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
        ("that has expired", {"begins": -900, "ends": -600, "confirmation_ends": -600}),
        ("of the future", {"begins": 600, "ends": 900, "confirmation_ends": 900}),
        ("for another audience", {"audience": "https://other.example.com"}),
        ("for no audience", {"audience": None}),
        ("for another recipient", {"recipient": "https://other.example.com/saml"}),
        ("for no recipient", {"recipient": None}),
        ("of another issuer", {"issuer": "urn:other.example.com"}),
        ("without conditions", {"conditions": False}),
        ("without an end", {"ends": None}),
        ("whose confirmation has no end", {"confirmation_ends": None}),
        ("whose confirmation has ended", {"confirmation_ends": -60}),
        ("that needs a key to be held", {"method": HOLDER_OF_KEY}),
        ("that lives for a day", {"ends": 86_400, "confirmation_ends": 86_400}),
    ):
        yield what, wrapped(signed(**changes), facts)
    yield "signed with SHA-1", wrapped(signed(digest="sha1"), facts)
    forged = etree.fromstring(saml_maker.unsigned(facts.changed(subject="auth0|root")))
    forged.remove(forged.find("ds:Signature", NAMES))
    yield "with a forged assertion before", wrapped(forged, facts, signed())
    yield "that hides the signed assertion in a forged one", wrapped(swallowed(forged, signed()), facts)
    yield "whose signature stands in the wrong place", wrapped(signature_last(signed()), facts)
    yield (
        "for another destination",
        saml_maker.response(signed(), destination="https://x.example.com", issuer=facts.issuer),
    )


def swallowed(forged: etree._Element, genuine: etree._Element) -> etree._Element:
    """Signature wrapping: the forged assertion carries the genuine one inside the signature's object."""
    signature = genuine.find("ds:Signature", NAMES)
    genuine.remove(signature)
    etree.SubElement(signature, f"{{{saml_maker.DS}}}Object").append(genuine)
    forged.insert(1, signature)
    return forged


def signature_last(genuine: etree._Element) -> etree._Element:
    """It still verifies, since no enveloped signature covers itself: the schema alone forbids it."""
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
    text = (element.text or "").strip()
    element.text = ("B" if text[0] == "A" else "A") + text[1:]
