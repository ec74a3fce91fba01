"""Verifies that id_tokens made by third-party libraries are exchanged, and that their tampered variants are refused."""

from __future__ import annotations

import time
from collections.abc import Iterator

import jwt
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import JWKRegistry

import demo
import openid_provider
import subject
from context import Context
from results import Case

OTHER_SECRET = b"another-secret-0123456789-0123456789-0123456789"


def cases(context: Context) -> Iterator[Case]:
    for name, client_id, token in valid_tokens(context):
        yield accepted(context, name, client_id, token)
    yield from openid_provider.cases(context)
    for client_id in ("spa", "legacy-spa"):
        for name, token in tampered_hs256(context, client_id):
            yield refused(context, f"{client_id}-{name}", client_id, token)
    for name, token in tampered_rs256(context):
        yield refused(context, f"rs-spa-{name}", "rs-spa", token)
    yield Case(
        "id_tokens/blocked-user",
        "the valid id_token of a blocked user is answered 401 unauthorized",
        lambda: context.server.exchange("spa", subject.for_client("spa", "auth0|mallory"), api_type="app").expect_error(
            401, "unauthorized"
        ),
    )


def valid_tokens(context: Context) -> Iterator[tuple[str, str, str]]:
    tenant = demo.private_jwk(context.keys.tenant)
    for client_id in ("spa", "legacy-spa"):
        secret = demo.secret_jwk(demo.SECRETS[client_id])
        header = {"alg": "HS256", "typ": "JWT"}
        yield f"pyjwt-hs256-{client_id}", client_id, subject.for_client(client_id)
        yield f"joserfc-hs256-{client_id}", client_id, by_joserfc(header, subject.claims(client_id), secret)
        yield f"jose-hs256-{client_id}", client_id, by_jose(context, header, subject.claims(client_id), secret)
    header = {"alg": "RS256", "kid": demo.TENANT_KID}
    yield "pyjwt-rs256", "rs-spa", subject.rs256(subject.claims("rs-spa"), context.keys.tenant)
    yield "joserfc-rs256", "rs-spa", by_joserfc(header, subject.claims("rs-spa"), tenant)
    yield "jose-rs256", "rs-spa", by_jose(context, header, subject.claims("rs-spa"), tenant)


def by_joserfc(header: dict[str, str], claims: dict[str, object], jwk: dict[str, str]) -> str:
    return joserfc_jwt.encode(header, claims, JWKRegistry.import_key(jwk))


def by_jose(context: Context, header: dict[str, str], claims: dict[str, object], jwk: dict[str, str]) -> str:
    return context.node.ask("jose-sign.mjs", {"header": header, "claims": claims, "jwk": jwk})["token"]


def tampered_claims(client_id: str) -> Iterator[tuple[str, dict[str, object]]]:
    now = int(time.time())
    yield "expired", subject.claims(client_id, iat=now - 7200, exp=now - 3600)
    yield "for-another-audience", subject.claims(client_id, aud="orders-api")
    yield "of-another-issuer", subject.claims(client_id, iss="https://evil.example.com/")
    yield "of-the-issuer-without-its-slash", subject.claims(client_id, iss=demo.ISSUER.rstrip("/"))
    for claim in ("exp", "iat", "sub"):
        yield f"without-{claim}", subject.claims(client_id, **{claim: None})


def tampered_hs256(context: Context, client_id: str) -> Iterator[tuple[str, str]]:
    secret = demo.SECRETS[client_id]
    for name, claims in tampered_claims(client_id):
        yield name, jwt.encode(claims, secret, "HS256")
    valid = subject.for_client(client_id)
    yield from tampered_signatures(client_id, valid)
    yield "under-another-secret", jwt.encode(subject.claims(client_id), OTHER_SECRET, "HS256")
    yield "rs256-where-hs256-is-set", subject.rs256(subject.claims(client_id), context.keys.tenant)
    yield "hs512-under-the-right-secret", subject.hmac_signed(subject.claims(client_id), secret, bits=512)
    if client_id == "legacy-spa":
        yield (
            "under-the-undecoded-secret",
            jwt.encode(subject.claims(client_id), subject.base64url(secret).encode(), "HS256"),
        )


def tampered_rs256(context: Context) -> Iterator[tuple[str, str]]:
    for name, claims in tampered_claims("rs-spa"):
        yield name, subject.rs256(claims, context.keys.tenant)
    yield from tampered_signatures("rs-spa", subject.rs256(subject.claims("rs-spa"), context.keys.tenant))
    yield "under-another-key", subject.rs256(subject.claims("rs-spa"), context.keys.firebase)
    public = context.keys.public_pem("tenant-rsa")
    yield "hs256-under-the-public-key", subject.hmac_signed(subject.claims("rs-spa"), public)
    yield "hs256-under-the-trimmed-public-key", subject.hmac_signed(subject.claims("rs-spa"), public.strip())


def tampered_signatures(client_id: str, valid: str) -> Iterator[tuple[str, str]]:
    yield "unsigned", subject.unsigned(subject.claims(client_id))
    yield "with-a-changed-payload", subject.with_payload(valid, subject.claims(client_id, "auth0|alice"))
    yield "with-a-flipped-signature", subject.with_flipped_signature(valid)
    yield "truncated", valid[:-20]
    yield "without-its-signature", valid.rpartition(".")[0] + "."
    yield "in-two-segments", valid.rpartition(".")[0]


def accepted(context: Context, name: str, client_id: str, token: str) -> Case:
    return Case(
        f"id_tokens/{name}",
        f"an id_token of {client_id} made by a third-party library is exchanged",
        lambda: exchanged(context, client_id, token),
    )


def exchanged(context: Context, client_id: str, token: str) -> None:
    context.server.exchange(client_id, token, api_type="app").issued("app")["id_token"]


def refused(context: Context, name: str, client_id: str, token: str) -> Case:
    return Case(
        f"id_tokens/refuses-{name}",
        "refused with 400 invalid_grant",
        lambda: context.server.exchange(client_id, token, api_type="app").expect_error(400, "invalid_grant"),
    )
