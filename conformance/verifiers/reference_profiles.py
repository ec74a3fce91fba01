"""The reference's `/tokeninfo` and `/userinfo`, with the faults of the group `profiles`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt

import demo
from reference_request import Refusal


@dataclass(frozen=True)
class Profiles:
    has: Callable[[str], bool]
    key_of: Callable[[str], tuple[Any, str]]
    """The key of a client's tokens, and its algorithm."""

    def by_id_token(self, token: str) -> dict[str, Any]:
        claims = self.verified(token)
        return {**self.stored(), **demo.BOB_EMAIL, **self.older_members(claims)}

    def by_app_token(self, token: str) -> dict[str, Any]:
        claims = self.verified(token)
        answer = {"sub": claims["sub"]}
        if "scope" not in claims:
            told = {name: claims[name] for name in ("name",) if name in claims}
            return {**answer, **told, "user_id": claims["sub"], "clientID": claims["aud"]}
        words = claims["scope"].split()
        if "profile" in words or self.has("profile-ignores-the-scope"):
            answer |= {**self.stored(), **self.older_members(claims)}
        return {**answer, **demo.BOB_EMAIL} if "email" in words else answer

    def verified(self, token: str) -> dict[str, Any]:
        """The claims of a token of Bob."""
        options = {
            "verify_signature": not self.has("profile-of-any-signature"),
            "verify_exp": not self.has("profile-of-an-expired-token"),
        }
        try:
            audience = jwt.decode(token, options={"verify_signature": False})["aud"]
            key, alg = self.key_of(audience)
            claims = jwt.decode(token, key, [alg], audience=audience, issuer=demo.ISSUER, options=options)
        except (jwt.PyJWTError, KeyError) as error:
            raise Refusal(401, "invalid_token", repr(error)) from error
        if claims["sub"] == demo.BLOCKED_USER and not self.has("profile-of-a-blocked-user"):
            raise Refusal(401, "unauthorized", "user is blocked")
        return claims

    def stored(self) -> dict[str, Any]:
        private = demo.BOB_PRIVATE if self.has("profile-tells-private-attributes") else {}
        return {**demo.BOB_PROFILE, **private}

    def older_members(self, claims: dict[str, Any]) -> dict[str, Any]:
        token = demo.BOB_IDENTITY_TOKEN if self.has("profile-tells-tokens-of-identities") else {}
        identities = [{**demo.BOB_IDENTITY, **token}]
        return {"user_id": claims["sub"], "clientID": claims["aud"], "identities": identities}
