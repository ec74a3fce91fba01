"""What Auth0's clients of the Management API do to a server that runs, and what it then issues."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import pkcs7

import demo
import management_server
import subject
from locum_server import Response
from management_sdks import Refused, Sdk
from management_server import ManagementServer
from results import Case, Mismatch, expect_equal

SECONDS_MAX = 2.0

LAYER = {"providerId": demo.LAYER_PROVIDER, "privateKey": "no key"}

Make = Callable[[str], Sdk]
"""Makes a library's client for a client of GRANTS."""


def cases(server: ManagementServer, make: Make) -> Iterator[Case]:
    sdk, reader = make(management_server.MANAGING), make(management_server.READING)
    for name, description, check in [
        ("pages", "the pages of clients have each client once, and their number", partial(check_pages, server, sdk)),
        (
            "clients",
            "a client is created, changed, given a new secret and deleted; the server issues accordingly",
            partial(check_clients, server, sdk),
        ),
        (
            "users",
            "a user is created, found, blocked, unblocked and deleted; the server issues accordingly",
            partial(check_users, server, sdk),
        ),
        (
            "grants",
            "a grant is given, narrowed and taken away; the client's next token has its scopes",
            partial(check_grants, server, sdk),
        ),
        ("settings", "a setting is changed, and no other", partial(check_settings, server, sdk)),
        (
            "signing-keys",
            "the next key signs after a rotation and not before; a revoked one is published no more",
            partial(check_signing_keys, server, sdk),
        ),
        (
            "refused",
            "what the scopes do not allow is the library's error for 403, and changes nothing",
            partial(check_scopes, server, reader),
        ),
        ("unknown", "what does not exist is the library's error for 404", partial(check_unknown, sdk)),
        ("invalid", "what is invalid or exists already is its error for 400 or 409", partial(check_invalid, sdk)),
    ]:
        yield Case(f"management/{sdk.name}-{name}", description, check)


def check_pages(server: ManagementServer, sdk: Sdk) -> None:
    expected = server.clients()
    for per_page in (5, 100):
        found = [client["client_id"] for client in sdk.clients(per_page)]
        expect_equal("the clients", found, list(expected))
    expect_equal("the total", sdk.total(), len(expected))
    for client in sdk.clients(100):
        expect_equal("the name", client["name"], expected[client["client_id"]]["name"])


def check_clients(server: ManagementServer, sdk: Sdk) -> None:
    body = {
        "name": f"Made by {sdk.name}",
        "app_type": "spa",
        "callbacks": ["https://new.example/callback"],
        "jwt_configuration": {"alg": "HS256", "lifetime_in_seconds": 600},
        "client_metadata": {"team": "orders"},
    }
    created = sdk.create_client(body)
    expect_members("the new client", created, body)
    client_id, first = created["client_id"], created["client_secret"]
    expect_equal("the client", sdk.client(client_id), created)
    expect_issued(server, client_id, first)
    changed = sdk.update_client(client_id, {"description": "Changed"})
    expect_members("the changed client", changed, {**body, "description": "Changed"})
    expect_equal("the stored description", server.clients()[client_id].get("description"), "Changed")
    second = sdk.rotate_secret(client_id)["client_secret"]
    if second == first:
        raise Mismatch("rotation gives the same secret")
    soon(lambda: exchanged(server, client_id, first).expect_error(400, "invalid_grant"))
    expect_issued(server, client_id, second)
    sdk.delete_client(client_id)
    if client_id in server.clients():
        raise Mismatch("the client is still there")
    soon(lambda: exchanged(server, client_id, second).expect_error(403, "unauthorized_client"))


def check_users(server: ManagementServer, sdk: Sdk) -> None:
    user_id, email = subject.fresh_user(), f"{uuid.uuid4().hex}@example.com"
    body = {"connection": "users", "email": email, "user_id": user_id, "app_metadata": {"plan": "gold"}}
    expect_members("the new user", sdk.create_user(body), body)
    for query in (f'email:"{email}"', f'email:"{email.upper()}"', f'user_id:"{user_id}"'):
        expect_equal("the users that are found", [user["user_id"] for user in sdk.users(query)], [user_id])
    expect_equal("the users of another address", sdk.users(f'email:"no-{email}"'), [])
    expect_members("the user", sdk.user(user_id), body)
    of_user = partial(exchanged, server, "spa", demo.SECRETS["spa"].decode("ascii"), user_id)
    of_user().issued("app")
    for blocked in (True, False):
        changed = sdk.update_user(user_id, {"blocked": blocked})
        expect_members("the changed user", changed, {**body, "blocked": blocked})
        soon(lambda: expect_equal("the answer to the user", of_user().status, 401 if blocked else 200))
    sdk.delete_user(user_id)
    expect_refused(partial(sdk.user, user_id), sdk, 404, "inexistent_user")


def check_grants(server: ManagementServer, sdk: Sdk) -> None:
    created = sdk.create_client({"name": f"Granted by {sdk.name}", "token_endpoint_auth_method": "client_secret_post"})
    client_id, secret = created["client_id"], created["client_secret"]
    token = partial(server.asked_token, client_id, secret)
    token().expect_error(400, "unauthorized_client")
    expect_equal("the grants before", sdk.grants(client_id), [])
    scopes = ["read:clients", "read:users"]
    body = {"client_id": client_id, "audience": demo.MANAGEMENT_AUDIENCE, "scope": scopes}
    grant = sdk.create_grant(body)
    expect_members("the new grant", grant, body)
    expect_equal("the grants", [found["id"] for found in sdk.grants(client_id)], [grant["id"]])
    soon(lambda: expect_equal("the scope of a token", token().body.get("scope"), " ".join(scopes)))
    sdk.update_grant(grant["id"], {"scope": scopes[:1]})
    soon(lambda: expect_equal("the scope of a token after", token().body.get("scope"), scopes[0]))
    sdk.delete_grant(grant["id"])
    soon(lambda: token().expect_error(400, "unauthorized_client"))
    sdk.delete_client(client_id)


def check_settings(server: ManagementServer, sdk: Sdk) -> None:
    before = server.call("GET", "/tenants/settings").body
    expect_equal("the settings", sdk.settings(), before)
    name = f"Named by {sdk.name}"
    sdk.update_settings({"friendly_name": name})
    after = server.call("GET", "/tenants/settings").body
    expect_equal("the settings after", after, {**before, "friendly_name": name})
    sdk.update_settings({"friendly_name": before["friendly_name"]})
    expect_equal("the settings at last", sdk.settings(), before)


def check_signing_keys(server: ManagementServer, sdk: Sdk) -> None:
    server.publish_next_key_long_ago()
    keys = {state: kid for kid, state in states(sdk).items()}
    expect_equal("what the keys are", sorted(keys), ["current", "next"])
    before, upcoming = keys["current"], keys["next"]
    soon(lambda: expect_published(server, sdk))
    soon(lambda: expect_equal("the key that signs", signing(server), before))
    rotated = sdk.rotate_signing_keys()
    expected = {before: "previous", upcoming: "current", rotated["kid"]: "next"}
    expect_equal("the keys", states(sdk), expected)
    expect_equal("the certificate", sdk.signing_key(rotated["kid"])["cert"], rotated["cert"])
    soon(lambda: expect_published(server, sdk))
    soon(lambda: expect_equal("the key that signs", signing(server), upcoming))
    # Auth0 does not have this refusal, so the libraries have no error of their own for it.
    early = refusal(sdk.rotate_signing_keys)
    expect_equal("the error", (early.status, early.code), (409, "next_signing_key_too_new"))
    expect_equal("the revoked key", sdk.revoke_signing_key(before)["kid"], before)
    if before in states(sdk):
        raise Mismatch("the revoked key is still there")
    soon(lambda: expect_published(server, sdk))
    expect_refused(partial(sdk.revoke_signing_key, before), sdk, 404, "inexistent_signing_key")


def states(sdk: Sdk) -> dict[str, str]:
    """What each key is, by its kid. Each has a certificate of its own."""
    keys = sdk.signing_keys()
    for key in keys:
        certificate = x509.load_pem_x509_certificate(key["cert"].encode("ascii"))
        digest = certificate.fingerprint(hashes.SHA1()).hex().upper()
        expect_equal("the thumbprint", key["thumbprint"], digest)
        expect_equal("the fingerprint", key["fingerprint"].replace(":", ""), digest)
        [enclosed] = pkcs7.load_pem_pkcs7_certificates(key["pkcs7"].encode("ascii"))
        expect_equal("the certificate in pkcs7", enclosed, certificate)
    return {key["kid"]: next(state for state in ("current", "next", "previous") if key[state]) for key in keys}


def expect_published(server: ManagementServer, sdk: Sdk) -> None:
    """The JWKS has the keys that are listed, each with the public half that its certificate has."""
    published = {key["kid"]: key["n"] for key in server.server.published_keys()["keys"]}
    expect_equal("the published keys", published, {key["kid"]: modulus(key["cert"]) for key in sdk.signing_keys()})


def modulus(certificate: str) -> str:
    number = x509.load_pem_x509_certificate(certificate.encode("ascii")).public_key().public_numbers().n
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).rstrip(b"=").decode("ascii")


def signing(server: ManagementServer) -> str:
    """The kid of a token that the tenant signs, which one of the published keys verifies."""
    id_token = subject.hmac_signed(subject.claims("spa", None), demo.SECRETS["spa"])
    issued = server.server.exchange("spa", id_token, target="reports-api", api_type="app").issued("app")
    token = issued["id_token"]
    header = jwt.get_unverified_header(token)
    keys = jwt.PyJWKSet.from_dict(server.server.published_keys())
    jwt.decode(token, keys[header["kid"]], ["RS256"], options={"verify_aud": False})
    return header["kid"]


def check_scopes(server: ManagementServer, sdk: Sdk) -> None:
    if "client_secret" in sdk.client("backend"):
        raise Mismatch("a client_secret is shown without read:client_keys")
    before = server.clients()
    for request in (
        partial(sdk.create_client, {"name": "Never"}),
        partial(sdk.update_client, "spa", {"description": "never"}),
        partial(sdk.rotate_secret, "spa"),
        partial(sdk.delete_client, "spa"),
        partial(sdk.users, 'user_id:"auth0|bob"'),
        partial(sdk.user, demo.BOB),
        partial(sdk.update_user, demo.BOB, {"blocked": True}),
        partial(sdk.grants, "backend"),
        partial(sdk.settings),
        partial(sdk.update_settings, {"friendly_name": "never"}),
        partial(sdk.signing_keys),
        partial(sdk.rotate_signing_keys),
        partial(sdk.revoke_signing_key, "tenant-2026"),
    ):
        expect_refused(request, sdk, 403, "insufficient_scope")
    expect_equal("the clients after", server.clients(), before)


def check_unknown(sdk: Sdk) -> None:
    for request, code in (
        (partial(sdk.client, "nobody"), "inexistent_client"),
        (partial(sdk.update_client, "nobody", {"name": "x"}), "inexistent_client"),
        (partial(sdk.rotate_secret, "nobody"), "inexistent_client"),
        (partial(sdk.user, "auth0|nobody"), "inexistent_user"),
        (partial(sdk.update_user, "auth0|nobody", {"blocked": True}), "inexistent_user"),
        (partial(sdk.update_grant, "cgr_nothing", {"scope": []}), "inexistent_client_grant"),
    ):
        expect_refused(request, sdk, 404, code)


def check_invalid(sdk: Sdk) -> None:
    for request, status, code in (
        (partial(sdk.update_client, "spa", {"name": ""}), 400, "invalid_body"),
        (partial(sdk.update_client, "spa", {"jwt_configuration": {"alg": "none"}}), 400, "invalid_body"),
        (partial(sdk.create_client, {"name": "x", "addons": {"layer": {**LAYER, "keyId": ""}}}), 400, "invalid_body"),
        (partial(sdk.users, "name:Bob"), 400, "invalid_query_string"),
        (partial(sdk.create_user, {"connection": "users", "user_id": demo.BOB}), 409, "user_exists"),
        (
            partial(
                sdk.create_grant,
                {"client_id": "backend", "audience": demo.MANAGEMENT_AUDIENCE, "scope": ["read:clients"]},
            ),
            409,
            "grant_exists",
        ),
    ):
        expect_refused(request, sdk, status, code)


def expect_members(what: str, found: dict[str, Any], expected: dict[str, Any]) -> None:
    expect_equal(what, {name: found.get(name) for name in expected}, expected)


def expect_refused(request: Callable[[], Any], sdk: Sdk, status: int, code: str) -> None:
    refused = refusal(request)
    expect_equal("the error", (refused.kind, refused.status, refused.code), (sdk.kind(status), status, code))


def refusal(request: Callable[[], Any]) -> Refused:
    try:
        request()
    except Refused as refused:
        return refused
    raise Mismatch("a request is answered that should be refused")


def soon(check: Callable[[], None]) -> None:
    """Checks until it holds. A change is served within a second."""
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        try:
            return check()
        except Mismatch:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def expect_issued(server: ManagementServer, client_id: str, secret: str) -> None:
    exchanged(server, client_id, secret).issued("app")


def exchanged(server: ManagementServer, client_id: str, secret: str, user_id: str | None = None) -> Response:
    """The answer to an id_token that this secret has signed."""
    id_token = subject.hmac_signed(subject.claims(client_id, user_id), secret.encode("ascii"))
    return server.server.exchange(client_id, id_token, api_type="app")
