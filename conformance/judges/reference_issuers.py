"""The reference's credentials, made by the vendors' own libraries, each with the faults it can be given."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

import blob_sas
import demo
import firebase_rules
from blob_sas import Wanted
from demo import Keys

APP_SECONDS = 36_000
FIREBASE_SECONDS = 3600


class Refusal(Exception):
    """An error answer: status, code and what happened."""

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status, self.body = status, {"error": code, "error_description": description}


@dataclass(frozen=True)
class Order:
    """One credential that is to be made, for an authenticated user."""

    keys: Keys
    fault: str | None
    request: dict[str, Any]
    user_id: str

    def has(self, fault: str) -> bool:
        return self.fault == fault


def bearer(token: str, life_seconds: int) -> dict[str, Any]:
    return {"token_type": "Bearer", "expires_in": life_seconds, "id_token": token}


def app(order: Order) -> dict[str, Any]:
    caller = order.request["client_id"]
    target = order.request.get("target", caller)
    if target == "no-such-app":
        raise Refusal(401, "unauthorized", "the target is unknown or does not allow this client")
    now = int(time.time())
    token = {"iss": demo.ISSUER, "sub": order.user_id, "aud": target, "iat": now, "exp": now + APP_SECONDS}
    token["azp"] = target if order.has("azp-is-the-target") else caller
    if "email" in order.request.get("scope", ""):
        token["email"] = "alice@example.com"
    if order.has("adds-a-claim"):
        token["email_of_somebody"] = "x@example.com"
    if order.has("lives-longer-than-told"):
        token["exp"] += 1
    if target in ("reports-api", "rs-spa"):
        key = order.keys.firebase if order.has("signs-with-an-unpublished-key") else order.keys.tenant
        return bearer(jwt.encode(token, key, "RS256", headers={"kid": demo.TENANT_KID}), APP_SECONDS)
    secret = demo.SECRETS[caller if order.has("signs-with-the-callers-secret") else target]
    return bearer(jwt.encode(token, secret, "HS256"), APP_SECONDS)


def firebase(order: Order) -> dict[str, Any]:
    uid, developer = order.user_id, {}
    if order.user_id == "auth0|alice":
        uid, developer = "alice-uid", {"claims": {"role": "editor"}}
    if len(uid) > firebase_rules.UID_CHARACTERS_MAX and not order.has("firebase-uid-too-long"):
        raise Refusal(400, "invalid_request", "uid is longer than 128 characters")
    now = int(time.time())
    token = {"iss": demo.FIREBASE_ACCOUNT, "sub": demo.FIREBASE_ACCOUNT, "aud": firebase_rules.AUDIENCE}
    token |= {"iat": now, "exp": now + FIREBASE_SECONDS + order.has("firebase-lives-too-long"), "uid": uid, **developer}
    if order.has("firebase-sub-is-the-user"):
        token["sub"] = uid
    if order.has("firebase-claims-at-top-level"):
        token["role"] = "editor"
    signed = jwt.encode(token, order.keys.firebase, "RS256", headers={"kid": demo.FIREBASE_KID})
    return bearer(signed, FIREBASE_SECONDS)


def azure_blob(order: Order) -> dict[str, Any]:
    client_id = order.request["client_id"]
    blob = None if client_id == "files" else order.request.get("blobName", demo.BLOB)
    wanted = Wanted(demo.CONTAINER, "other.txt" if order.has("sas-for-another-blob") else blob)
    fields = {"sv": "2022-11-02", "sr": "b" if blob else "c"}
    if client_id == "policy":
        fields["si"] = demo.STORED_POLICY
    if client_id != "policy" or order.has("sas-repeats-the-policy"):
        fields |= blob_times(order) | {"sp": blob_permissions(order, blob)}
    sas = blob_sas.resigned(fields, wanted)
    return {"azure_blob_sas": "?" + sas if order.has("sas-with-question-mark") else sas}


def blob_times(order: Order) -> dict[str, str]:
    start = datetime.now(UTC).replace(microsecond=0)
    end = start + timedelta(minutes=60 if order.has("sas-lives-too-long") else demo.SAS_MINUTES)
    zone = "+00:00" if order.has("sas-expiry-with-offset") else "Z"
    return {"st": start.strftime("%Y-%m-%dT%H:%M:%SZ"), "se": end.strftime("%Y-%m-%dT%H:%M:%S") + zone}


def blob_permissions(order: Order, blob: str | None) -> str:
    permissions = "rl" if blob is None else "rw" if order.has("sas-grants-writing") else "r"
    return permissions[::-1] if order.has("sas-permissions-unordered") else permissions


ISSUERS: dict[str, Callable[[Order], dict[str, Any]]] = {
    "app": app,
    "firebase": firebase,
    "azure_blob": azure_blob,
}
