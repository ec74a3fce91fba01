"""The self-test of the Management API's verifiers: each fault, made by a proxy before a real server, must be found."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import demo
from management_proxy import Change, Exchange


@dataclass(frozen=True)
class Fault:
    name: str
    found_by: str
    """The case that must find it, without the group."""
    before: Change | None = None
    after: Change | None = None


def on(method: str, path: str, change: Callable[[Exchange, Any], Any]) -> Change:
    """Changes the document of the answer to such a request, if it is one."""

    def apply(exchange: Exchange) -> None:
        if is_such(exchange, method, path) and exchange.answer:
            document = change(exchange, json.loads(exchange.answer))
            exchange.answer = json.dumps(document).encode("utf-8")

    return apply


def sent(method: str, path: str, change: Callable[[dict[str, Any]], Any]) -> Change:
    """Changes the body of such a request, if it is one."""

    def apply(exchange: Exchange) -> None:
        if is_such(exchange, method, path):
            exchange.request = json.dumps(change(json.loads(exchange.request))).encode("utf-8")

    return apply


def is_such(exchange: Exchange, method: str, path: str) -> bool:
    return re.search(method, exchange.method) is not None and re.match(f"/api/v2{path}", exchange.path) is not None


def without(name: str) -> Callable[..., Any]:
    def change(*arguments: Any) -> Any:
        document = arguments[-1]
        return {member: value for member, value in document.items() if member != name}

    return change


def as_oauth(exchange: Exchange, document: Any) -> Any:
    if exchange.status < 400:
        return document
    return {"error": document["errorCode"], "error_description": document["message"]}


def no_last_client(_: Exchange, document: Any) -> Any:
    return {**document, "clients": document["clients"][:-1]} if "clients" in document else document


def no_last_key(_: Exchange, document: Any) -> Any:
    return document[:-1]


def another_thumbprint(_: Exchange, document: Any) -> Any:
    return [{**key, "thumbprint": key["thumbprint"][::-1]} for key in document]


def callbacks_as_text(_: Exchange, document: Any) -> Any:
    return {**document, "callbacks": "https://new.example/callback"}


def with_key(_: Exchange, document: Any) -> Any:
    document["clients"][0]["description"] = demo.STORAGE_KEY
    return document


def with_secret(exchange: Exchange, document: Any) -> Any:
    return {**document, "client_secret": "shown"} if exchange.status == 200 else document


def secret_as_text(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "jwt_configuration": {**document["jwt_configuration"], "secret_encoded": None}}


def wide(_: dict[str, Any]) -> dict[str, Any]:
    return {"scope": ["read:clients", "read:users"]}


def as_404(exchange: Exchange) -> None:
    if exchange.status == 403:
        exchange.status = 404


FAULTS = [
    Fault("no-total", "auth0-python-pages", after=on("GET", r"/clients\?", without("total"))),
    Fault("no-total", "node-auth0-pages", after=on("GET", r"/clients\?", without("total"))),
    Fault("a-client-is-missing", "auth0-python-pages", after=on("GET", r"/clients\?", no_last_client)),
    Fault("a-client-is-missing", "deploy-cli-export", after=on("GET", r"/clients\?", no_last_client)),
    Fault("an-error-of-oauth", "auth0-python-unknown", after=on(".", "/", as_oauth)),
    Fault("an-error-of-oauth", "node-auth0-unknown", after=on(".", "/", as_oauth)),
    Fault("another-status", "auth0-python-refused", after=as_404),
    Fault("a-text-for-a-list", "auth0-python-clients", after=on("POST", "/clients", callbacks_as_text)),
    Fault("a-lost-change", "auth0-python-clients", before=sent("PATCH", "/clients/", without("description"))),
    Fault("a-lost-change", "node-auth0-clients", before=sent("PATCH", "/clients/", without("description"))),
    Fault("a-user-is-not-blocked", "auth0-python-users", before=sent("PATCH", "/users/", without("blocked"))),
    Fault("a-user-is-not-blocked", "node-auth0-users", before=sent("PATCH", "/users/", without("blocked"))),
    Fault("a-grant-stays-wide", "auth0-python-grants", before=sent("PATCH", "/client-grants/", wide)),
    Fault("a-grant-stays-wide", "node-auth0-grants", before=sent("PATCH", "/client-grants/", wide)),
    Fault("a-setting-is-lost", "auth0-python-settings", after=on("GET", "/tenants/settings", without("delegation"))),
    Fault("a-key-is-not-told", "auth0-python-signing-keys", after=on("GET", "/keys/signing$", no_last_key)),
    Fault("a-key-is-not-told", "node-auth0-signing-keys", after=on("GET", "/keys/signing$", no_last_key)),
    Fault("another-thumbprint", "node-auth0-signing-keys", after=on("GET", "/keys/signing$", another_thumbprint)),
    Fault("a-secret-is-shown", "node-auth0-refused", after=on("GET", "/clients/backend", with_secret)),
    Fault("a-secret-is-shown", "deploy-cli-export", after=on("GET", r"/clients\?", with_key)),
    Fault(
        "a-secret-is-read-otherwise",
        "deploy-cli-unchanged",
        before=sent("PATCH", "/clients/legacy-spa", secret_as_text),
    ),
]
