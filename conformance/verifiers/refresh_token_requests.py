"""What the cases about refresh tokens share: getting one, its successor, and the app tokens that it gives."""

from __future__ import annotations

from typing import Any

import demo
import subject
from context import Context
from jwt_verifiers import Expected, jwt_verifiers, verified_claims
from oauth_clients import TOKEN_TYPE, OAuthClient
from results import Mismatch, expect_equal

SCOPE = "openid profile offline_access"
PREFIX = "lrt_"


def issue(client: OAuthClient, user_id: str, **changed: str) -> dict[str, Any]:
    """The answer to a token exchange for a refresh token."""
    parameters = {"requested_token_type": f"{TOKEN_TYPE}refresh_token", "scope": SCOPE, **changed}
    return client.exchange(subject_token=subject_token(client.context, client.client_id, user_id), **parameters)


def issued(client: OAuthClient, user_id: str) -> str:
    answer = issue(client, user_id)
    found = (answer.get("issued_token_type"), answer["token_type"].upper())
    expect_equal("issued_token_type and token_type", found, (f"{TOKEN_TYPE}refresh_token", "N_A"))
    return well_formed(answer["access_token"])


def subject_token(context: Context, client_id: str, user_id: str) -> str:
    """An id_token of the user, as the client gets one. It has a name, or else the scope `profile` is not granted."""
    if client_id in demo.RS256_CLIENTS:
        return subject.rs256(subject.claims(client_id, user_id, name="Vera Fischer"), context.keys.tenant)
    return subject.for_client(client_id, user_id, name="Vera Fischer")


def well_formed(token: str) -> str:
    if not token.startswith(PREFIX):
        raise Mismatch(f"a refresh token does not start with {PREFIX}")
    return token


def successor(answer: dict[str, Any], token: str) -> str:
    # Authlib keeps the old token where the answer has no other.
    if answer.get("refresh_token") in (None, token):
        raise Mismatch("a refresh token was used and not replaced")
    return well_formed(answer["refresh_token"])


def with_other_last_character(token: str) -> str:
    return token[:-1] + ("B" if token[-1] == "A" else "A")


def verified(context: Context, client_id: str, token: str) -> dict[str, Any]:
    """The claims, after a JWT library verified the token with the client's secret or the published key."""
    keys = context.server.published_keys()["keys"]
    is_rs256 = client_id in demo.RS256_CLIENTS
    jwk = next(key for key in keys if key["kid"] == demo.TENANT_KID) if is_rs256 else None
    expected = Expected(
        jwk or demo.secret_jwk(demo.SECRETS[client_id]), "RS256" if is_rs256 else "HS256", demo.ISSUER, client_id
    )
    return verified_claims(jwt_verifiers(context.node)[0], token, expected)
