"""A strict fake of the sign-in host of Microsoft Entra ID: the client credentials grant with a federated credential."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt

import demo
from fake_http import FakeResponse, FormRequest, json_response

DIRECTORY_PATH = f"/{demo.ENTRA_DIRECTORY}"
TOKEN_PATH = f"{DIRECTORY_PATH}/oauth2/v2.0/token"
DISCOVERY_PATH = f"{DIRECTORY_PATH}/v2.0/.well-known/openid-configuration"
HOST = "https://login.microsoftonline.com"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FIELDS = {"grant_type", "client_id", "client_assertion_type", "client_assertion", "scope"}
# MSAL asks for information about the account with it, of which an application has none.
OPTIONAL_FIELDS = {"client_info"}
ASSERTION_SECONDS_MAX = 3600
TOKEN_SECONDS = 3599


class Rejected(Exception):
    """The assertion is not that of the federated credential; the number is Microsoft's."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.number = number


@dataclass
class FakeEntra:
    jwks: Callable[[], dict[str, Any]]
    """The keys that the tenant publishes."""

    def token(self, request: FormRequest) -> FakeResponse:
        form = request.form
        if "Authorization" in request.headers:
            return entra_error(400, "invalid_request", 900144, "the client authenticates by an assertion")
        if not FIELDS <= set(form) <= FIELDS | OPTIONAL_FIELDS:
            return entra_error(400, "invalid_request", 900144, f"the fields are {sorted(form)}")
        if form["grant_type"] != "client_credentials":
            return entra_error(400, "unsupported_grant_type", 70003, "the grant type is not supported")
        if form["client_id"] != demo.ENTRA_CLIENT:
            return entra_error(400, "unauthorized_client", 700016, "the application was not found in the directory")
        if form["client_assertion_type"] != ASSERTION_TYPE:
            return entra_error(401, "invalid_client", 700021, "the type of the assertion is unknown")
        resource, suffix, rest = form["scope"].partition("/.default")
        if not suffix or rest:
            return entra_error(400, "invalid_scope", 1002012, "the scope must be a resource with /.default")
        if form["scope"] not in demo.ENTRA_SCOPES:
            return entra_error(400, "invalid_resource", 500011, f"the resource principal {resource} was not found")
        try:
            self.verify(form["client_assertion"])
        except Rejected as rejected:
            return entra_error(401, "invalid_client", rejected.number, str(rejected))
        response = {
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "ext_expires_in": TOKEN_SECONDS,
            "access_token": f"eyJ0.{secrets.token_urlsafe(24)}.sig",
        }
        return json_response(200, response, granted=response)

    def verify(self, assertion: str) -> None:
        keys = {key["kid"]: key for key in self.jwks()["keys"]}
        try:
            header = jwt.get_unverified_header(assertion)
            if header.get("kid") not in keys or not set(header) <= {"alg", "typ", "kid"}:
                raise Rejected(90061, f"no key was found for the header {header}")
            claims = jwt.decode(
                assertion,
                jwt.PyJWK.from_dict(keys[header["kid"]], algorithm="RS256"),
                algorithms=["RS256"],
                options={"require": ["iss", "sub", "aud", "exp"], "verify_aud": False},
            )
        except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError) as error:
            raise Rejected(700024, f"the assertion is not within its valid time range: {error}") from error
        except jwt.PyJWTError as error:
            raise Rejected(50027, f"the JWT is invalid: {error}") from error
        if claims["iss"] != demo.ISSUER:
            raise Rejected(700211, f"no matching federated identity record found for issuer {claims['iss']}")
        if claims["aud"] != demo.ENTRA_AUDIENCE:
            raise Rejected(700212, f"no matching federated identity record found for audience {claims['aud']}")
        if claims["sub"] != demo.ENTRA_SUBJECT:
            raise Rejected(700213, f"no matching federated identity record found for subject {claims['sub']}")
        if claims["exp"] > time.time() + ASSERTION_SECONDS_MAX:
            raise Rejected(700024, "the assertion is valid for too long")


def discovery() -> FakeResponse:
    """What MSAL reads before it asks for a token."""
    endpoints = {"token_endpoint": HOST + TOKEN_PATH, "authorization_endpoint": f"{HOST}{DIRECTORY_PATH}/authorize"}
    return json_response(200, {"issuer": f"{HOST}{DIRECTORY_PATH}/v2.0", **endpoints})


def entra_error(status: int, code: str, number: int, text: str) -> FakeResponse:
    body = {"error": code, "error_description": f"AADSTS{number}: {text}", "error_codes": [number]}
    return json_response(status, {**body, "correlation_id": secrets.token_hex(8)}, code=f"AADSTS{number}")
