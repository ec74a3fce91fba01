"""Verifies the exchange of tokens of a certified OpenID provider that the tenant trusts, while it replaces its keys."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

import demo
import openid_provider
import subject
from context import Context
from openid_provider import Provider
from results import Case, Mismatch, expect_equal

CLIENT = "spa"


@dataclass
class SigningKey:
    """A new key of the provider."""

    key: RSAPrivateKey = field(default_factory=lambda: generate_private_key(65537, 2048))
    kid: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass
class Tokens:
    """Id_tokens of two users that the provider signed before it replaced its key."""

    earlier: list[str] = field(default_factory=list)


def cases(context: Context) -> Iterator[Case]:
    provider = Provider(demo.TRUSTED_ISSUER, demo.TRUSTED_ISSUER_PORT, CLIENT)
    first, second, tokens = SigningKey(), SigningKey(), Tokens()
    with openid_provider.serving(context, provider, first.key, first.kid):
        yield Case(
            "trusted_issuer/exchange",
            "the id_token of a code flow is exchanged for the user under the issuer's prefix",
            partial(check_exchange, context, provider, tokens),
        )
    with ExitStack() as replaced:
        replaced.enter_context(openid_provider.serving(context, provider, second.key, second.kid))
        yield Case(
            "trusted_issuer/rotation",
            "a token of the new key is exchanged at once, and one of the withdrawn key is refused",
            partial(check_rotation, context, provider, tokens),
        )
        # After the rotation: a token that names an unknown key makes a server fetch, and then not again for a while.
        yield Case(
            "trusted_issuer/forged",
            "tokens of its issuer that another key signed are refused",
            partial(check_forged, context, second),
        )
        last = openid_provider.sign_in(provider, subject.fresh_user())
    yield Case(
        "trusted_issuer/down",
        "while the provider is down, its keys go on verifying its tokens, and no other does",
        partial(check_down, context, last),
    )


def check_exchange(context: Context, provider: Provider, tokens: Tokens) -> None:
    user_id = subject.fresh_user()
    id_token = openid_provider.sign_in(provider, user_id)
    tokens.earlier = [openid_provider.sign_in(provider, subject.fresh_user()) for _ in range(2)]
    issued = exchanged(context, id_token)
    expect_equal("sub of the exchanged token", issued["sub"], f"{demo.TRUSTED_ISSUER_PREFIX}{user_id}")
    expect_equal("iss of the exchanged token", issued["iss"], demo.ISSUER)
    context.server.exchange("legacy-spa", id_token, api_type="app").expect_error(400, "invalid_grant")


def check_forged(context: Context, current: SigningKey) -> None:
    claims = subject.claims(CLIENT, iss=demo.TRUSTED_ISSUER)
    exchanged(context, subject.rs256(claims, current.key, current.kid))
    other = SigningKey().key
    for token in [
        subject.rs256(claims, other, current.kid),
        subject.rs256(claims, other, None),
        subject.rs256(claims, context.keys.tenant),
        subject.hmac_signed(claims, demo.SECRETS[CLIENT]),
        subject.unsigned(claims),
        subject.rs256(subject.claims(CLIENT), current.key, current.kid),
        subject.rs256({**claims, "iss": f"{demo.TRUSTED_ISSUER}/"}, current.key, current.kid),
    ]:
        context.server.exchange(CLIENT, token, api_type="app").expect_error(400, "invalid_grant")


def check_rotation(context: Context, provider: Provider, tokens: Tokens) -> None:
    if len(tokens.earlier) != 2:
        raise Mismatch("there is no token of the key before")
    exchanged(context, tokens.earlier[0])
    exchanged(context, openid_provider.sign_in(provider, subject.fresh_user()))
    context.server.exchange(CLIENT, tokens.earlier[1], api_type="app").expect_error(400, "invalid_grant")


def check_down(context: Context, last: str) -> None:
    exchanged(context, last)
    claims = subject.claims(CLIENT, iss=demo.TRUSTED_ISSUER)
    unknown = SigningKey()
    context.server.exchange(CLIENT, subject.rs256(claims, unknown.key, unknown.kid), api_type="app").expect_error(
        400, "invalid_grant"
    )


def exchanged(context: Context, id_token: str) -> dict[str, object]:
    """The claims of the token that is issued for this one."""
    issued = context.server.exchange(CLIENT, id_token, api_type="app", target="orders-api").issued("app")
    return openid_provider.payload(issued["id_token"])
