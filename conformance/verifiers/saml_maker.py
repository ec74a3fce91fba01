"""Makes SAML responses with signxml: valid ones, and ones with a single fault."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape, quoteattr

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from lxml import etree
from signxml import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureMethod,
    XMLSigner,
    methods,
)

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


@dataclass(frozen=True)
class Facts:
    """An assertion's content. Times are in seconds from now; None omits the element or attribute."""

    issuer: str
    subject: str
    audience: str | None
    recipient: str | None
    subject_format: str = PERSISTENT
    starts: int = 0
    expires: int | None = 300
    conditions: bool = True
    confirmation_expires: int | None = 300
    method: str = BEARER

    attributes: dict[str, list[str]] = field(default_factory=dict)

    def changed(self, **changes: object) -> Facts:
        return replace(self, **changes)


class LegacySigner(XMLSigner):
    """Signs with SHA-1 too, to make a response that receivers must refuse."""

    def check_deprecated_methods(self) -> None:
        pass


def assertion(facts: Facts, key: RSAPrivateKey, certificate: str, digest: str = "sha256") -> etree._Element:
    signer = LegacySigner(
        method=methods.enveloped,
        signature_algorithm=SignatureMethod[f"RSA_{digest.upper()}"],
        digest_algorithm=DigestAlgorithm[digest.upper()],
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    signer.namespaces = {"ds": DS}
    root = etree.fromstring(unsigned(facts))
    return signer.sign(root, key=key, cert=certificate, reference_uri=root.get("ID"), id_attribute="ID")


def response(*assertions: etree._Element, destination: str | None, issuer: str) -> bytes:
    """A successful response around assertions. The response itself is not signed."""
    target = f" Destination={quoteattr(destination)}" if destination else ""
    inner = "".join(etree.tostring(one, encoding="unicode") for one in assertions)
    return (
        f'<samlp:Response xmlns:samlp="{SAMLP}"{target} ID="{fresh_id()}" IssueInstant="{instant(0)}" Version="2.0">'
        f'<saml:Issuer xmlns:saml="{SAML}">{escape(issuer)}</saml:Issuer>'
        '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>'
        f"{inner}</samlp:Response>"
    ).encode()


def unsigned(facts: Facts) -> str:
    parts = [
        f"<saml:Issuer>{escape(facts.issuer)}</saml:Issuer>",
        '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="placeholder"/>',
        subject(facts),
        conditions(facts) if facts.conditions else "",
        authentication(),
        attribute_statement(facts.attributes) if facts.attributes else "",
    ]
    opening = f'<saml:Assertion xmlns:saml="{SAML}" ID="{fresh_id()}" IssueInstant="{instant(0)}" Version="2.0">'
    return f"{opening}{''.join(parts)}</saml:Assertion>"


def subject(facts: Facts) -> str:
    expiry = f' NotOnOrAfter="{instant(facts.confirmation_expires)}"' if facts.confirmation_expires is not None else ""
    recipient = f" Recipient={quoteattr(facts.recipient)}" if facts.recipient else ""
    name = f"<saml:NameID Format={quoteattr(facts.subject_format)}>{escape(facts.subject)}</saml:NameID>"
    confirmed = f"<saml:SubjectConfirmationData{expiry}{recipient}/>"
    confirmation = f"<saml:SubjectConfirmation Method={quoteattr(facts.method)}>{confirmed}</saml:SubjectConfirmation>"
    return f"<saml:Subject>{name}{confirmation}</saml:Subject>"


def conditions(facts: Facts) -> str:
    expiry = f' NotOnOrAfter="{instant(facts.expires)}"' if facts.expires is not None else ""
    audience = f"<saml:Audience>{escape(facts.audience)}</saml:Audience>" if facts.audience else ""
    restriction = f"<saml:AudienceRestriction>{audience}</saml:AudienceRestriction>" if audience else ""
    return f'<saml:Conditions NotBefore="{instant(facts.starts)}"{expiry}>{restriction}</saml:Conditions>'


def authentication() -> str:
    context = (
        "<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef>"
    )
    statement = f"<saml:AuthnContext>{context}</saml:AuthnContext>"
    return f'<saml:AuthnStatement AuthnInstant="{instant(0)}" SessionIndex="s">{statement}</saml:AuthnStatement>'


def attribute_statement(attributes: dict[str, list[str]]) -> str:
    written = "".join(
        f"<saml:Attribute Name={quoteattr(name)}>"
        + "".join(f"<saml:AttributeValue>{escape(value)}</saml:AttributeValue>" for value in values)
        + "</saml:Attribute>"
        for name, values in attributes.items()
    )
    return f"<saml:AttributeStatement>{written}</saml:AttributeStatement>"


def instant(seconds_from_now: int) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds_from_now)).strftime("%Y-%m-%dT%H:%M:%SZ")


def fresh_id() -> str:
    return f"_{uuid.uuid4().hex}"
