"""Verifies that pages get credentials and profiles with auth0-js, the vendor's library for browsers, if their origin may."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import demo
import subject
from app_tokens import receiver
from context import Context
from jwt_verifiers import jwt_verifiers, verified_claims
from locum_server import GRANT_TYPE
from node import Node
from oauth_clients import Refused
from results import Case, Mismatch, expect_equal

CLIENT, TARGET = "spa", "orders-api"
# The client's own, and one of nobody.
ORIGIN, OTHER_ORIGIN = "http://localhost:8080", "http://localhost:8081"


def cases(context: Context) -> Iterator[Case]:
    yield Case(
        "auth0_js/delegation",
        "a page gets an app token that verifies and a SAS; an id_token with another signature is its error",
        partial(check_delegation, context),
    )
    yield Case(
        "auth0_js/userinfo",
        "a page reads the profile by an app token",
        partial(check_user_info, context),
    )
    yield Case(
        "auth0_js/origins",
        "a page of another origin can read no answer",
        partial(check_origins, context),
    )


def check_delegation(context: Context) -> None:
    user_id = subject.fresh_user()
    id_token = subject.for_client(CLIENT, user_id)
    answer = delegated(context, id_token, target=TARGET, apiType="app")
    claims = verified_claims(jwt_verifiers(context.node)[0], answer["idToken"], receiver(context, TARGET))
    expect_equal("sub and azp", (claims["sub"], claims["azp"]), (user_id, CLIENT))
    sas = delegated(context, id_token, target=CLIENT, apiType="azure_blob")
    if "sig=" not in sas["azureBlobSas"]:
        raise Mismatch("azure_blob_sas is no SAS")
    expect_refused(partial(delegated, context, subject.with_flipped_signature(id_token), target=TARGET), 400)


def check_user_info(context: Context) -> None:
    user_id = subject.fresh_user()
    token = delegated(context, subject.for_client(CLIENT, user_id), target=TARGET, apiType="app")["idToken"]
    expect_equal("sub", called(context, ORIGIN, "userInfo", token)["sub"], user_id)
    expect_refused(partial(called, context, ORIGIN, "userInfo", subject.with_flipped_signature(token)), 401)


def check_origins(context: Context) -> None:
    request = {"id_token": subject.for_client(CLIENT), "grant_type": GRANT_TYPE, "target": TARGET, "apiType": "app"}
    expect_refused(partial(called, context, OTHER_ORIGIN, "delegation", request), 0)
    called(context, ORIGIN, "delegation", request)


def delegated(context: Context, id_token: str, **parameters: str) -> dict[str, Any]:
    request = {"id_token": id_token, "grant_type": GRANT_TYPE, "scope": "openid", **parameters}
    return called(context, ORIGIN, "delegation", request)


def called(context: Context, origin: str, method: str, parameters: Any) -> dict[str, Any]:
    return called_at(context.node, context.server.base_url, CLIENT, origin, method, parameters)


def called_at(node: Node, base_url: str, client_id: str, origin: str, method: str, parameters: Any) -> dict[str, Any]:
    """What auth0-js gives to a page of this origin; `Refused` for its error, with status 0 if the page may not read the answer."""
    question = {
        "origin": origin,
        "baseUrl": base_url,
        "clientId": client_id,
        "method": method,
        "parameters": parameters,
    }
    found = node.ask("auth0-js.mjs", question)
    if "answer" not in found:
        raise Refused(found["code"], found["status"])
    return found["answer"]


def expect_refused(request: partial[dict[str, Any]], status: int) -> None:
    try:
        request()
    except Refused as refused:
        expect_equal("the status of the library's error", refused.status, status)
        return
    raise Mismatch("the library's request succeeded")
