"""How clients of the reference authenticate, with the faults of the group `client_assertions`."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

import jwt

import demo
from demo import Keys
from reference_request import Refusal

TOKEN_ENDPOINT = f"{demo.ISSUER}oauth/token"
ASSERTION_SECONDS_MAX = 3660
REQUIRED = ["iss", "sub", "aud", "exp"]


@dataclass
class Clients:
    keys: Keys
    has: Callable[[str], bool]
    used: set[str] = field(default_factory=set)
    """The `jti` of each assertion that was accepted."""

    def authenticated(
        self, form: dict[str, str], authorization: str | None, accepts_any_secret: bool
    ) -> tuple[str, bool]:
        """The calling client, and whether it authenticated."""
        client_id, secret = form.get("client_id"), form.get("client_secret")
        if authorization is not None:
            decoded = base64.b64decode(authorization.removeprefix("Basic ")).decode("ascii")
            client_id, secret = (unquote_plus(part) for part in decoded.split(":", 1))
        if client_id == demo.ASSERTING_CLIENT or "client_assertion" in form:
            if "client_assertion" in form or not self.has("assertion-may-be-absent"):
                self.accept(form.get("client_assertion", ""))
            return demo.ASSERTING_CLIENT, True
        if client_id not in demo.CONFIDENTIAL_CLIENTS:
            return str(client_id), False
        if secret != demo.SECRETS[client_id].decode("ascii") and not accepts_any_secret:
            raise invalid_client("invalid client")
        return client_id, True

    def accept(self, assertion: str) -> None:
        """Uses an assertion of the only client that has a key."""
        endpoint = [] if self.has("assertion-refused-for-the-token-endpoint") else [TOKEN_ENDPOINT]
        options = {
            "require": REQUIRED + ([] if self.has("assertion-accepted-without-an-id") else ["jti"]),
            "verify_signature": not self.has("assertion-of-any-key"),
            "verify_exp": not self.has("assertion-accepted-after-its-end"),
            "verify_aud": not self.has("assertion-for-another-server"),
            "verify_iss": not self.has("assertion-of-another-client"),
        }
        key = self.keys.public_pem(demo.ASSERTING_CLIENT)
        try:
            claims = jwt.decode(
                assertion,
                key,
                ["RS256"],
                audience=[demo.ISSUER, *endpoint],
                issuer=demo.ASSERTING_CLIENT,
                options=options,
            )
        except jwt.PyJWTError as error:
            raise invalid_client(str(error)) from error
        self.check(claims, {demo.ISSUER, *endpoint})
        self.used.add(claims.get("jti", ""))

    def check(self, claims: dict[str, Any], audiences: set[str]) -> None:
        """What PyJWT does not."""
        stated = {claims["aud"]} if isinstance(claims["aud"], str) else set(claims["aud"])
        accepts_others = self.has("assertion-for-others-too") or self.has("assertion-for-another-server")
        for is_accepted, why in (
            (stated <= audiences or accepts_others, "aud"),
            (claims["sub"] == demo.ASSERTING_CLIENT or self.has("assertion-of-another-client"), "sub"),
            (claims["exp"] - time.time() <= ASSERTION_SECONDS_MAX or self.has("assertion-valid-for-hours"), "exp"),
            (claims.get("jti") not in self.used or self.has("assertion-accepted-again"), "jti"),
        ):
            if not is_accepted:
                raise invalid_client(f"the {why} of the assertion is refused")


def invalid_client(description: str) -> Refusal:
    return Refusal(401, "invalid_client", description)
