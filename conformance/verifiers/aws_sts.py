"""What AWS STS expects: the SAML attributes and receiver settings, and Amazon's own client for its unsigned calls."""

from __future__ import annotations

from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config

import demo
import saml_maker
from demo import Keys
from saml_maker import Facts
from saml_receivers import Trust

ATTRIBUTE_PREFIX = "https://aws.amazon.com/SAML/Attributes/"


def facts(user_id: str, session: str) -> Facts:
    """A SAML assertion's content that STS accepts for the demo role."""
    attributes = {"Role": [f"{demo.AWS_ROLE},{demo.AWS_PROVIDER}"], "RoleSessionName": [session]}
    named = prefixed(attributes)
    return Facts(demo.SAML_ISSUER, user_id, demo.AWS_SIGN_IN, demo.AWS_SIGN_IN, attributes=named)


def prefixed(attributes: dict[str, list[str]]) -> dict[str, list[str]]:
    return {ATTRIBUTE_PREFIX + name: values for name, values in attributes.items()}


def trust(certificate: str) -> Trust:
    return Trust(demo.SAML_ISSUER, demo.AWS_SIGN_IN, demo.AWS_SIGN_IN, certificate)


def response(keys: Keys, made_of: Facts, digest: str = "sha256") -> bytes:
    assertion = saml_maker.assertion(made_of, keys.tenant, keys.certificate, digest)
    return saml_maker.response(assertion, destination=demo.AWS_SIGN_IN, issuer=demo.SAML_ISSUER)


def client(url: str) -> Any:
    """boto3's STS client without signatures, retries and checks of its own, so that the server sees every field."""
    config = Config(signature_version=UNSIGNED, parameter_validation=False, retries={"total_max_attempts": 1})
    return boto3.client("sts", endpoint_url=url, region_name="us-east-1", config=config)
