"""The issuer that the reference trusts, with the faults of the group `trusted_issuer`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jwt
import requests

import demo
from demo import Keys
from reference_request import Refusal

TIMEOUT_SECONDS = 5


@dataclass
class TrustedIssuer:
    keys: Keys
    fault: str | None
    known: dict[str, jwt.PyJWK] = field(default_factory=dict)
    """The keys that it published when they were fetched last, by name."""

    def has(self, fault: str) -> bool:
        return self.fault == fault

    def authenticate(self, client_id: str, token: str) -> dict[str, Any]:
        """The claims of a token of the issuer, with the user's id here in `sub`."""
        options = {"require": ["iss", "aud", "sub", "iat", "exp"]}
        if self.has("trusts-any-key-of-the-issuer"):
            options["verify_signature"] = False
        try:
            key = self.key(jwt.get_unverified_header(token).get("kid"))
            claims = jwt.decode(token, key, ["RS256"], audience=client_id, issuer=demo.TRUSTED_ISSUER, options=options)
        except jwt.PyJWTError as error:
            raise Refusal(400, "invalid_grant", str(error)) from error
        if not self.has("trusts-the-issuers-users-as-its-own"):
            claims["sub"] = f"{demo.TRUSTED_ISSUER_PREFIX}{claims['sub']}"
        return claims

    def key(self, kid: str | None) -> Any:
        if self.has("trusts-its-own-key-as-the-issuers") and kid == demo.TENANT_KID:
            return self.keys.public_pem("tenant-rsa")
        if kid not in self.known:
            self.fetch()
        if kid not in self.known:
            raise Refusal(400, "invalid_grant", "the token is signed with an unknown key")
        return self.known[kid]

    def fetch(self) -> None:
        try:
            configuration = requests.get(
                f"{demo.TRUSTED_ISSUER}/.well-known/openid-configuration", timeout=TIMEOUT_SECONDS
            ).json()
            keys = requests.get(configuration["jwks_uri"], timeout=TIMEOUT_SECONDS).json()["keys"]
        except requests.RequestException:
            return
        found = {key["kid"]: jwt.PyJWK(key) for key in keys}
        self.known = {**self.known, **found} if self.has("trusts-a-withdrawn-key") else found
