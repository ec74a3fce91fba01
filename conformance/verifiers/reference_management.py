"""The reference's grant `client_credentials`, with the faults of the group `management_tokens`."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import jwt

import demo
from reference_request import Refusal

LIFETIME_SECONDS = 86_400


def issued(client_id: str, is_authenticated: bool, form: dict[str, str], has: Callable[[str], bool]) -> dict[str, Any]:
    if not is_authenticated and not has("management-for-a-public-client"):
        raise Refusal(400, "unauthorized_client", "the client does not authenticate")
    if form["audience"] != demo.MANAGEMENT_AUDIENCE and not has("management-for-any-audience"):
        raise Refusal(400, "invalid_target", "the audience is another one")
    scope = form.get("scope", demo.MANAGEMENT_SCOPE)
    is_granted = set(scope.split()) <= set(demo.MANAGEMENT_SCOPE.split())
    if not is_granted and not has("management-widens-the-scope"):
        raise Refusal(400, "invalid_scope", "a scope is not in the grant")
    now = int(time.time())
    claims = {
        "iss": demo.ISSUER,
        "sub": f"{client_id}@clients",
        "aud": demo.MANAGEMENT_AUDIENCE,
        "iat": now,
        "exp": now + LIFETIME_SECONDS * (2 if has("management-lives-longer-than-stated") else 1),
        "azp": client_id,
        "gty": "client-credentials",
        "scope": demo.MANAGEMENT_SCOPE if has("management-ignores-the-scope") else scope,
        "jti": uuid.uuid4().hex,
    }
    key = demo.SECRETS[client_id] if has("management-signs-with-the-secret") else demo.MANAGEMENT_KEY
    return {
        "access_token": jwt.encode(claims, key, "HS256", headers={"typ": "at+jwt"}),
        "token_type": "Bearer",
        "expires_in": LIFETIME_SECONDS,
        "scope": claims["scope"],
    }
