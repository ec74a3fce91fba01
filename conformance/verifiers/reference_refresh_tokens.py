"""The reference's refresh tokens, with the faults of the group `refresh_tokens`."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import demo
import subject
from reference_request import Refusal

TOKEN_TYPE = "urn:ietf:params:oauth:token-type:"
LIFETIME_SECONDS = 2_592_000


@dataclass
class Family:
    """A refresh token and those that followed from it, of which one is current."""

    client_id: str
    user_id: str
    scope: str
    current: str
    has_ended: bool = False


@dataclass
class RefreshTokens:
    has: Callable[[str], bool]
    authenticate: Callable[[str, str], dict[str, Any]]
    """The claims of a client's id_token."""
    families: dict[str, Family] = field(default_factory=dict)
    """By each of their tokens, those that were replaced too."""

    def issued(self, client_id: str, form: dict[str, str]) -> dict[str, Any]:
        """The answer to a token exchange for a refresh token."""
        is_own = form.get("audience", client_id) == client_id or self.has("refresh-issues-for-another-target")
        is_offline = "offline_access" in form["scope"].split() or self.has("refresh-issues-without-offline-access")
        if client_id not in demo.REFRESHING_CLIENTS or not is_own or not is_offline:
            raise Refusal(400, "invalid_target", "no refresh token is issued for this request")
        claims = self.authenticate(client_id, form["subject_token"])
        family = Family(client_id, claims["sub"], form["scope"], current="")
        return {
            "access_token": self.next_of(family),
            "issued_token_type": f"{TOKEN_TYPE}refresh_token",
            "token_type": "Bearer" if self.has("refresh-says-that-it-is-a-bearer-token") else "N_A",
            "expires_in": LIFETIME_SECONDS,
        }

    def refreshed(
        self, client_id: str, form: dict[str, str], delegate: Callable[[dict[str, str]], dict[str, Any]]
    ) -> dict[str, Any]:
        """The answer to `grant_type=refresh_token`; `delegate` issues the app token."""
        token = form["refresh_token"]
        scope = form.get("scope") or self.presented(client_id, token).scope
        body = delegate(
            {
                "client_id": client_id,
                "refresh_token": token,
                "target": client_id,
                "scope": scope,
                "api_type": "app",
                "carry_scope": scope,
            }
        )
        answer = {"access_token": body["id_token"], "token_type": "Bearer", "expires_in": body["expires_in"]}
        family = self.families[token]
        if self.has("refresh-keeps-the-narrowed-scope"):
            family.scope = scope
        return answer if self.has("refresh-omits-the-successor") else {**answer, "refresh_token": self.next_of(family)}

    def next_of(self, family: Family) -> str:
        family.current = f"lrt_{secrets.token_urlsafe(32)}"
        self.families[family.current] = family
        return family.current

    def claims_of(self, client_id: str, token: str) -> dict[str, Any]:
        """Those of an id_token in its place."""
        family = self.presented(client_id, token)
        user_id = subject.fresh_user() if self.has("refresh-for-another-user") else family.user_id
        return {"sub": user_id} if self.has("refresh-widens-the-scope") else {"sub": user_id, "scope": family.scope}

    def presented(self, client_id: str, token: str) -> Family:
        family = self.families.get(token)
        is_own = family is not None and (family.client_id == client_id or self.has("refresh-accepts-any-client"))
        if family is None or not is_own or family.has_ended:
            raise Refusal(400, "invalid_grant", "the refresh_token is invalid")
        if token != family.current and not self.has("refresh-accepts-a-replaced-token"):
            family.has_ended = not self.has("refresh-family-survives-reuse")
            raise Refusal(400, "invalid_grant", "the refresh_token is invalid")
        return family

    def revoke(self, client_id: str, token: str) -> None:
        family = self.families.get(token)
        if family is None or self.has("refresh-revocation-has-no-effect"):
            return
        if family.client_id == client_id or self.has("revokes-for-any-client"):
            family.has_ended = True

    def told(self, client_id: str, token: str) -> dict[str, Any]:
        """The answer to an introspection."""
        family = self.families.get(token)
        if family is None or (family.client_id != client_id and not self.has("introspection-answers-another-client")):
            return {"active": False}
        is_current = token == family.current or self.has("introspection-says-that-a-replaced-token-is-active")
        has_ended = family.has_ended and not self.has("introspection-says-that-a-revoked-token-is-active")
        if has_ended or not is_current:
            family.has_ended |= not is_current and self.has("introspection-is-a-use")
            return {"active": False}
        now = int(time.time())
        return {
            "active": True,
            "client_id": family.client_id,
            "sub": family.user_id,
            "scope": family.scope,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
        }
