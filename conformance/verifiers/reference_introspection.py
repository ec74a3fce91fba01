"""The reference's `/oauth/introspect`, with its faults of the group `refresh_tokens`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt

from reference_refresh_tokens import RefreshTokens
from reference_request import Refusal

TOLD = ("iss", "sub", "aud", "exp", "iat", "scope")


def introspect(
    client_id: str,
    is_authenticated: bool,
    token: str,
    has: Callable[[str], bool],
    key_of: Callable[[str], tuple[Any, str]],
    refresh_tokens: RefreshTokens,
) -> dict[str, Any]:
    """What a token says, to a client that authenticated; `key_of` has key and algorithm of a client's tokens."""
    if not is_authenticated and not has("introspection-answers-without-authentication"):
        raise Refusal(401, "invalid_client", "this client cannot authenticate")
    if token.startswith("lrt_"):
        return refresh_tokens.told(client_id, token)
    try:
        audience = jwt.decode(token, options={"verify_signature": False})["aud"]
        key, alg = key_of(audience)
        options = {"verify_signature": not has("introspection-accepts-any-signature")}
        claims = jwt.decode(token, key, [alg], audience=audience, options=options)
    except (jwt.PyJWTError, KeyError):
        return {"active": False}
    told_clients = {claims["aud"]} if has("introspection-answers-the-audience-only") else {claims["aud"], claims["azp"]}
    if client_id not in told_clients and not has("introspection-answers-another-client"):
        return {"active": False}
    answer = {name: claims[name] for name in TOLD if name in claims}
    if has("introspection-omits-the-scope"):
        del answer["scope"]
    if has("introspection-states-another-expiry"):
        answer["exp"] += 1
    return {"active": True, "client_id": claims["azp"], "token_type": "Bearer", **answer}
