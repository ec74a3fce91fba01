"""SAML receivers that we did not write, joined with strict rules: none of them alone refuses all that it should."""

from __future__ import annotations

import base64
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature as BadSignature
from lxml import etree
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from signxml import (
    DigestAlgorithm,
    SignatureConfiguration,
    SignatureMethod,
    XMLVerifier,
)
from signxml.exceptions import SignXMLException

from node import Node
from saml_maker import BEARER, DS, SAML, SAMLP

LIFETIME_SECONDS_MAX = 600
CLOCK_SKEW_SECONDS = 5
NAMES = {"saml": SAML, "samlp": SAMLP, "ds": DS}
EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"


class Refused(Exception):
    """A receiver refuses the response; `expired` tells that only its time is over."""

    def __init__(self, why: str, expired: bool = False) -> None:
        super().__init__(why)
        self.expired = expired


@dataclass(frozen=True)
class Trust:
    """What a receiver knows beforehand: whom it trusts with which certificate, and who and where it is itself."""

    issuer: str
    audience: str
    recipient: str
    certificate: str


@dataclass(frozen=True)
class Statement:
    """What the signed bytes of an accepted assertion say."""

    assertion_id: str
    subject: str
    subject_format: str
    audience: str
    issuer: str
    session_ends: datetime | None = None
    attributes: dict[str, list[str]] = field(default_factory=dict)


Receiver = Callable[[bytes, Trust], object]


def receivers(node: Node) -> dict[str, Receiver]:
    """The receivers that can run here, by name. xmlsec1 is a program of the system and may be missing."""
    found: dict[str, Receiver] = {
        "schema": by_schema,
        "signxml": by_signxml_and_rules,
        "python3-saml": by_python3_saml,
        "node-saml": lambda response, trust: by_node_saml(node, response, trust),
    }
    if shutil.which("xmlsec1"):
        found["xmlsec1"] = by_xmlsec1
    return found


# Those that check the signature: each of them must refuse a broken one.
SIGNATURE_RECEIVERS = {"signxml", "python3-saml", "node-saml", "xmlsec1"}


def accept(response: bytes, trust: Trust) -> Statement:
    """What a strict service provider in Python takes: schema, signxml with rules, and python3-saml, all of them."""
    by_schema(response, trust)
    statement = by_signxml_and_rules(response, trust)
    by_python3_saml(response, trust)
    return statement


def parsed(response: bytes) -> etree._Element:
    try:
        return etree.fromstring(response, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError as error:
        raise Refused(f"it is no XML: {error}") from error


@cache
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(files("onelogin.saml2") / "schemas/saml-schema-protocol-2.0.xsd")))


def by_schema(response: bytes, _: Trust) -> None:
    if not schema().validate(parsed(response)):
        raise Refused(f"the schema says: {schema().error_log.last_error}")


def by_signxml_and_rules(response: bytes, trust: Trust) -> Statement:
    root = parsed(response)
    obey_response(root, trust)
    expected = SignatureConfiguration(
        location=f"./{{{SAML}}}Assertion/",
        signature_methods=frozenset({SignatureMethod.RSA_SHA256}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
    )
    try:
        verified = XMLVerifier().verify(root, x509_cert=trust.certificate, expect_config=expected, id_attribute="ID")
    except (SignXMLException, BadSignature, ValueError, KeyError) as error:
        raise Refused(f"signxml says: {error or type(error).__name__}") from error
    # From here on only what was signed is read: the document around it plays no part.
    return read(verified.signed_xml, trust)


def obey_response(root: etree._Element, trust: Trust) -> None:
    rule(root.tag == f"{{{SAMLP}}}Response", f"the root is {root.tag}")
    rule(root.get("Destination") in (None, trust.recipient), f"Destination is {root.get('Destination')}")
    rule(len(root.findall(".//saml:Assertion", NAMES)) == 1, "there is not exactly one assertion")
    rule(len(root.findall("saml:Assertion", NAMES)) == 1, "the assertion is not a child of the response")
    rule(len(root.findall(".//ds:Signature", NAMES)) == 1, "there is not exactly one signature")
    code = root.find("samlp:Status/samlp:StatusCode", NAMES)
    success = "urn:oasis:names:tc:SAML:2.0:status:Success"
    rule(code is not None and code.get("Value") == success, "the status is no success")
    canonical = root.find(".//ds:CanonicalizationMethod", NAMES)
    rule(canonical is not None and canonical.get("Algorithm") == EXCLUSIVE_C14N, "it is not canonicalized exclusively")


def read(signed: etree._Element, trust: Trust) -> Statement:
    rule(signed.tag == f"{{{SAML}}}Assertion", f"{signed.tag} is signed, not an assertion")
    issuer = only(signed, "saml:Issuer").text or ""
    rule(issuer == trust.issuer, f"the issuer is {issuer}")
    name = only(signed, "saml:Subject/saml:NameID")
    rule(bool(name.text), "the subject is empty")
    obey_confirmation(signed, trust)
    audience = obey_conditions(signed, trust)
    statement = only(signed, "saml:AuthnStatement")
    session_end = statement.get("SessionNotOnOrAfter")
    attributes = {
        attribute.get("Name", ""): [value.text or "" for value in attribute.findall("saml:AttributeValue", NAMES)]
        for attribute in signed.findall("saml:AttributeStatement/saml:Attribute", NAMES)
    }
    return Statement(
        assertion_id=signed.get("ID", ""),
        subject=name.text or "",
        subject_format=name.get("Format", ""),
        audience=audience,
        issuer=issuer,
        session_ends=moment(session_end) if session_end else None,
        attributes=attributes,
    )


def obey_confirmation(signed: etree._Element, trust: Trust) -> None:
    confirmation = only(signed, "saml:Subject/saml:SubjectConfirmation")
    rule(confirmation.get("Method") == BEARER, f"the confirmation method is {confirmation.get('Method')}")
    limits = only(confirmation, "saml:SubjectConfirmationData")
    rule(limits.get("Recipient") == trust.recipient, f"Recipient is {limits.get('Recipient')}")
    rule(limits.get("NotBefore") is None, "a bearer confirmation has a NotBefore")
    rule(limits.get("NotOnOrAfter") is not None, "the confirmation has no end")
    obey_end(limits.get("NotOnOrAfter"))


def obey_conditions(signed: etree._Element, trust: Trust) -> str:
    conditions = only(signed, "saml:Conditions")
    rule(
        conditions.get("NotBefore") is not None and conditions.get("NotOnOrAfter") is not None, "it has no time limits"
    )
    begins = moment(conditions.get("NotBefore"))
    rule((begins - datetime.now(UTC)).total_seconds() <= CLOCK_SKEW_SECONDS, "it is not yet valid")
    obey_end(conditions.get("NotOnOrAfter"))
    life = (moment(conditions.get("NotOnOrAfter")) - begins).total_seconds()
    rule(life <= LIFETIME_SECONDS_MAX, f"it lives for {life:.0f} seconds")
    audience = only(conditions, "saml:AudienceRestriction/saml:Audience").text or ""
    rule(audience == trust.audience, f"the audience is {audience}")
    return audience


def obey_end(text: str | None) -> None:
    if text is None or moment(text) <= datetime.now(UTC):
        raise Refused("it has expired", expired=True)


def only(parent: etree._Element, path: str) -> etree._Element:
    found = parent.findall(path, NAMES)
    rule(len(found) == 1, f"there are {len(found)} of {path}")
    return found[0]


def moment(text: str | None) -> datetime:
    try:
        read_time = datetime.fromisoformat(text or "")
    except ValueError as error:
        raise Refused(f"{text} is no time") from error
    rule(read_time.tzinfo is not None, f"{text} has no zone")
    return read_time


def by_python3_saml(response: bytes, trust: Trust) -> None:
    place = urlsplit(trust.recipient)
    settings = OneLogin_Saml2_Settings(
        {
            "strict": True,
            "sp": {"entityId": trust.audience, "assertionConsumerService": {"url": trust.recipient}},
            "idp": {
                "entityId": trust.issuer,
                "singleSignOnService": {"url": "https://acme.example.com/samlp"},
                "x509cert": trust.certificate,
            },
            "security": {
                "wantAssertionsSigned": True,
                "wantXMLValidation": True,
                "wantAttributeStatement": False,
                "rejectDeprecatedAlgorithm": True,
            },
        }
    )
    request = {
        "https": "on" if place.scheme == "https" else "off",
        "http_host": place.netloc,
        "script_name": place.path,
    }
    received = OneLogin_Saml2_Response(settings, base64.b64encode(response).decode("ascii"))
    if not received.is_valid(request):
        error = str(received.get_error())
        raise Refused(f"python3-saml says: {error}", expired="expired" in error.lower())


def by_node_saml(node: Node, response: bytes, trust: Trust) -> None:
    question = {
        "response": base64.b64encode(response).decode("ascii"),
        "certificate": trust.certificate,
        "audience": trust.audience,
        "recipient": trust.recipient,
    }
    answer = node.ask("saml-receive.mjs", question)
    if "refused" in answer:
        raise Refused(f"node-saml says: {answer['refused']}")


def by_xmlsec1(response: bytes, trust: Trust) -> None:
    with tempfile.TemporaryDirectory() as folder:
        document, certificate = Path(folder, "response.xml"), Path(folder, "certificate.pem")
        document.write_bytes(response)
        certificate.write_text(trust.certificate, encoding="ascii")
        command = ["xmlsec1", "--verify", "--pubkey-cert-pem", str(certificate)]
        command += ["--id-attr:ID", f"{SAML}:Assertion", "--enabled-reference-uris", "same-doc", str(document)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        raise Refused(f"xmlsec1 says: {done.stderr.strip()[:200]}")


def rule(holds: bool, broken: str) -> None:
    if not holds:
        raise Refused(f"the rules say: {broken}")
