"""Verifies app tokens with three JWT libraries: signature, exact claims, lifetime, and what must be refused."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import jwt

import demo
import subject
from context import Context
from jwt_verifiers import (
    Expected,
    JwtVerifier,
    KeySetVerifier,
    expect_token_refused,
    jwt_verifiers,
    key_set_verifiers,
    verified_claims,
)
from results import Case, Mismatch, expect_equal
from rules import expect_accepted, expect_refused

CALLER = "spa"
CLAIMS = {"iss", "sub", "aud", "azp", "iat", "exp"}


def cases(context: Context) -> Iterator[Case]:
    for verifier in jwt_verifiers(context.node):
        for target in ("orders-api", "reports-api"):
            yield Case(
                f"app_tokens/{target}-{verifier.name}",
                "signature, claims and lifetime are right; a flipped signature, another key or another audience is refused",
                partial(check_token, context, verifier, target),
            )
    for finder in key_set_verifiers(context.node):
        for target, alg in demo.RSA_TARGETS.items():
            yield Case(
                f"app_tokens/{target}-key-set-{finder.name}",
                f"the key of a token with {alg} is found in jwks.json as it is; another key of that name is refused",
                partial(check_key_set, context, finder, target, alg),
            )
    yield Case(
        "app_tokens/published-key",
        "jwks.json has the tenant's public key and no private member",
        partial(check_published_key, context),
    )
    yield Case(
        "app_tokens/scope-email",
        "scope `openid email` adds the stored e-mail address and no other claim",
        partial(check_email, context),
    )
    yield Case(
        "app_tokens/target-decides-the-key",
        "a token for one target does not verify with the caller's secret",
        partial(check_callers_secret, context),
    )


def check_token(context: Context, verifier: JwtVerifier, target: str) -> None:
    user_id = subject.fresh_user()
    body = issued(context, target, user_id, "openid")
    token = body["id_token"]
    expected = receiver(context, target)
    claims = verified_claims(verifier, token, expected)
    expect_equal("the set of claims", set(claims), CLAIMS)
    for name, value in (("sub", user_id), ("aud", target), ("azp", CALLER), ("iss", demo.ISSUER)):
        expect_equal(name, claims[name], value)
    expect_equal("expires_in", body["expires_in"], claims["exp"] - claims["iat"])
    expect_token_refused(verifier, "with a flipped signature", subject.with_flipped_signature(token), expected)
    expect_token_refused(
        verifier, "with a changed payload", subject.with_payload(token, {**claims, "sub": "auth0|alice"}), expected
    )
    expect_token_refused(
        verifier, "for another audience", token, Expected(expected.jwk, expected.alg, expected.issuer, "other-api")
    )
    expect_token_refused(
        verifier,
        "under another key",
        token,
        Expected(other_key(context, expected), expected.alg, expected.issuer, target),
    )
    expect_token_refused(verifier, "without a signature", subject.unsigned(claims), expected)


def check_key_set(context: Context, finder: KeySetVerifier, target: str, alg: str) -> None:
    user_id = subject.fresh_user()
    token = issued(context, target, user_id, "openid")["id_token"]
    expect_equal("the algorithm", jwt.get_unverified_header(token)["alg"], alg)
    expected = Expected({}, alg, demo.ISSUER, target)
    keys = context.server.published_keys()
    claims = expect_accepted(finder.name, "the token", lambda: finder.verify(token, keys, expected))
    expect_equal("sub", claims["sub"], user_id)
    others = {"keys": [{**key, "n": context.keys.public_jwk("firebase")["n"]} for key in keys["keys"]]}
    expect_refused(finder.name, "a token under another key", lambda: finder.verify(token, others, expected))


def issued(context: Context, target: str, user_id: str, scope: str) -> dict[str, Any]:
    id_token = subject.for_client(CALLER, user_id)
    body = context.server.exchange(CALLER, id_token, target=target, scope=scope, api_type="app").issued("app")
    expect_equal("the response's members", set(body), {"token_type", "expires_in", "id_token"})
    expect_equal("token_type", body["token_type"], "Bearer")
    if type(body["expires_in"]) is not int:
        raise Mismatch(f"expires_in is a {type(body['expires_in']).__name__}, expected a whole number")
    return body


def receiver(context: Context, target: str) -> Expected:
    if target == "orders-api":
        return Expected(demo.secret_jwk(demo.SECRETS[target]), "HS256", demo.ISSUER, target)
    public = {member: value for member, value in published(context).items() if member in ("kty", "n", "e")}
    return Expected(public, "RS256", demo.ISSUER, target)


def published(context: Context) -> dict[str, str]:
    keys = [key for key in context.server.published_keys()["keys"] if key.get("kid") == demo.TENANT_KID]
    expect_equal(f"the number of published keys named {demo.TENANT_KID}", len(keys), 1)
    return keys[0]


def other_key(context: Context, expected: Expected) -> dict[str, str]:
    if expected.alg == "HS256":
        return demo.secret_jwk(demo.SECRETS[CALLER])
    return context.keys.public_jwk("firebase")


def check_published_key(context: Context) -> None:
    key = published(context)
    ours = context.keys.public_jwk("tenant-rsa")
    expect_equal("kty, n and e", (key.get("kty"), key.get("n"), key.get("e")), ("RSA", ours["n"], ours["e"]))
    private = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
    for published_key in context.server.published_keys()["keys"]:
        expect_equal("the private members of a published key", private & set(published_key), set())
    token = issued(context, "reports-api", subject.fresh_user(), "openid")["id_token"]
    expect_equal("the kid of an RS256 token", jwt.get_unverified_header(token).get("kid"), demo.TENANT_KID)


def check_email(context: Context) -> None:
    body = issued(context, "orders-api", "auth0|alice", "openid email")
    claims = verified_claims(jwt_verifiers(context.node)[0], body["id_token"], receiver(context, "orders-api"))
    expect_equal("email", claims.get("email"), "alice@example.com")
    expect_equal("claims beyond openid and email", set(claims) - CLAIMS - {"email", "email_verified"}, set())


def check_callers_secret(context: Context) -> None:
    token = issued(context, "orders-api", subject.fresh_user(), "openid")["id_token"]
    callers = Expected(demo.secret_jwk(demo.SECRETS[CALLER]), "HS256", demo.ISSUER, "orders-api")
    for verifier in jwt_verifiers(context.node):
        expect_token_refused(verifier, "of another secret", token, callers)
