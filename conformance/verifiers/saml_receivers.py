"""Third-party SAML receivers, combined with strict rules because none of them refuses everything that it should."""

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
from rules import Refused, require
from saml_maker import BEARER, DS, SAML, SAMLP

LIFETIME_SECONDS_MAX = 600
CLOCK_SKEW_SECONDS = 5
NAMES = {"saml": SAML, "samlp": SAMLP, "ds": DS}
EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"


@dataclass(frozen=True)
class Trust:
    """A receiver's settings: the issuer and certificate that it trusts, its own audience and its own URL."""

    issuer: str
    audience: str
    recipient: str
    certificate: str


@dataclass(frozen=True)
class Statement:
    """The content of an accepted assertion, read from the signed bytes."""

    assertion_id: str
    subject: str
    subject_format: str
    audience: str
    issuer: str
    session_expires: datetime | None = None
    attributes: dict[str, list[str]] = field(default_factory=dict)


Receiver = Callable[[bytes, Trust], object]


def receivers(node: Node) -> dict[str, Receiver]:
    """The receivers that can run here, by name. xmlsec1 is a system program and may be missing."""
    found: dict[str, Receiver] = {
        "schema": by_schema,
        "signxml": by_signxml_and_rules,
        "python3-saml": by_python3_saml,
        "node-saml": lambda response, trust: by_node_saml(node, response, trust),
    }
    if shutil.which("xmlsec1"):
        found["xmlsec1"] = by_xmlsec1
    return found


# Each of these checks signatures, so each must refuse an invalid one.
SIGNATURE_RECEIVERS = {"signxml", "python3-saml", "node-saml", "xmlsec1"}


def accept(response: bytes, trust: Trust) -> Statement:
    """Verifies the response with every receiver that runs in Python: schema, signxml with the rules, python3-saml."""
    by_schema(response, trust)
    statement = by_signxml_and_rules(response, trust)
    by_python3_saml(response, trust)
    return statement


def parse(response: bytes) -> etree._Element:
    try:
        return etree.fromstring(response, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError as error:
        raise Refused(f"not XML: {error}") from error


@cache
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(files("onelogin.saml2") / "schemas/saml-schema-protocol-2.0.xsd")))


def by_schema(response: bytes, _: Trust) -> None:
    if not schema().validate(parse(response)):
        raise Refused(f"schema: {schema().error_log.last_error}")


def by_signxml_and_rules(response: bytes, trust: Trust) -> Statement:
    root = parse(response)
    check_response(root, trust)
    expected = SignatureConfiguration(
        location=f"./{{{SAML}}}Assertion/",
        signature_methods=frozenset({SignatureMethod.RSA_SHA256}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
    )
    try:
        verified = XMLVerifier().verify(root, x509_cert=trust.certificate, expect_config=expected, id_attribute="ID")
    except (SignXMLException, BadSignature, ValueError, KeyError) as error:
        raise Refused(f"signxml: {error or type(error).__name__}") from error
    # Only the signed bytes are read from here on, never the document around them.
    return read(verified.signed_xml, trust)


def check_response(root: etree._Element, trust: Trust) -> None:
    require(root.tag == f"{{{SAMLP}}}Response", f"the root is {root.tag}")
    require(root.get("Destination") in (None, trust.recipient), f"Destination is {root.get('Destination')}")
    require(len(root.findall(".//saml:Assertion", NAMES)) == 1, "there is not exactly one assertion")
    require(len(root.findall("saml:Assertion", NAMES)) == 1, "the assertion is not a child of the response")
    require(len(root.findall(".//ds:Signature", NAMES)) == 1, "there is not exactly one signature")
    code = root.find("samlp:Status/samlp:StatusCode", NAMES)
    success = "urn:oasis:names:tc:SAML:2.0:status:Success"
    require(code is not None and code.get("Value") == success, "the status is not Success")
    canonical = root.find(".//ds:CanonicalizationMethod", NAMES)
    require(
        canonical is not None and canonical.get("Algorithm") == EXCLUSIVE_C14N, "the canonicalization is not exclusive"
    )


def read(signed: etree._Element, trust: Trust) -> Statement:
    require(signed.tag == f"{{{SAML}}}Assertion", f"{signed.tag} is signed instead of an assertion")
    issuer = only(signed, "saml:Issuer").text or ""
    require(issuer == trust.issuer, f"the issuer is {issuer}")
    name = only(signed, "saml:Subject/saml:NameID")
    require(bool(name.text), "the subject is empty")
    check_confirmation(signed, trust)
    audience = check_conditions(signed, trust)
    statement = only(signed, "saml:AuthnStatement")
    session_expiry = statement.get("SessionNotOnOrAfter")
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
        session_expires=parse_time(session_expiry) if session_expiry else None,
        attributes=attributes,
    )


def check_confirmation(signed: etree._Element, trust: Trust) -> None:
    confirmation = only(signed, "saml:Subject/saml:SubjectConfirmation")
    require(confirmation.get("Method") == BEARER, f"the confirmation method is {confirmation.get('Method')}")
    limits = only(confirmation, "saml:SubjectConfirmationData")
    require(limits.get("Recipient") == trust.recipient, f"Recipient is {limits.get('Recipient')}")
    require(limits.get("NotBefore") is None, "a bearer confirmation has a NotBefore")
    require(limits.get("NotOnOrAfter") is not None, "the confirmation has no NotOnOrAfter")
    check_expiry(limits.get("NotOnOrAfter"))


def check_conditions(signed: etree._Element, trust: Trust) -> str:
    conditions = only(signed, "saml:Conditions")
    require(
        conditions.get("NotBefore") is not None and conditions.get("NotOnOrAfter") is not None,
        "the conditions lack NotBefore or NotOnOrAfter",
    )
    begins = parse_time(conditions.get("NotBefore"))
    require((begins - datetime.now(UTC)).total_seconds() <= CLOCK_SKEW_SECONDS, "it is not yet valid")
    check_expiry(conditions.get("NotOnOrAfter"))
    lifetime = (parse_time(conditions.get("NotOnOrAfter")) - begins).total_seconds()
    require(lifetime <= LIFETIME_SECONDS_MAX, f"its lifetime is {lifetime:.0f} seconds")
    audience = only(conditions, "saml:AudienceRestriction/saml:Audience").text or ""
    require(audience == trust.audience, f"the audience is {audience}")
    return audience


def check_expiry(text: str | None) -> None:
    if text is None or parse_time(text) <= datetime.now(UTC):
        raise Refused("it has expired", expired=True)


def only(parent: etree._Element, path: str) -> etree._Element:
    found = parent.findall(path, NAMES)
    require(len(found) == 1, f"{path} occurs {len(found)} times")
    return found[0]


def parse_time(text: str | None) -> datetime:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError as error:
        raise Refused(f"{text} is not a time") from error
    require(time.tzinfo is not None, f"{text} has no time zone")
    return time


def by_python3_saml(response: bytes, trust: Trust) -> None:
    url = urlsplit(trust.recipient)
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
        "https": "on" if url.scheme == "https" else "off",
        "http_host": url.netloc,
        "script_name": url.path,
    }
    received = OneLogin_Saml2_Response(settings, base64.b64encode(response).decode("ascii"))
    if not received.is_valid(request):
        error = str(received.get_error())
        raise Refused(f"python3-saml: {error}", expired="expired" in error.lower())


def by_node_saml(node: Node, response: bytes, trust: Trust) -> None:
    question = {
        "response": base64.b64encode(response).decode("ascii"),
        "certificate": trust.certificate,
        "audience": trust.audience,
        "recipient": trust.recipient,
    }
    node.verify("saml-receive.mjs", question)


def by_xmlsec1(response: bytes, trust: Trust) -> None:
    with tempfile.TemporaryDirectory() as folder:
        document, certificate = Path(folder, "response.xml"), Path(folder, "certificate.pem")
        document.write_bytes(response)
        certificate.write_text(trust.certificate, encoding="ascii")
        command = ["xmlsec1", "--verify", "--pubkey-cert-pem", str(certificate)]
        command += ["--id-attr:ID", f"{SAML}:Assertion", "--enabled-reference-uris", "same-doc", str(document)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        raise Refused(f"xmlsec1: {done.stderr.strip()[:200]}")
