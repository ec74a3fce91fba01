"""The reference's issuers without upstream calls, made of the vendors' own libraries, each with its faults."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import jwt

import blob_sas
import demo
import firebase_rules
import reference_federation
import reference_github
import reference_upstreams
import wams
from blob_sas import Wanted
from reference_request import IssueRequest, Refusal

APP_SECONDS = 36_000
FIREBASE_SECONDS = 3600


def bearer(token: str, lifetime_seconds: int) -> dict[str, Any]:
    return {"token_type": "Bearer", "expires_in": lifetime_seconds, "id_token": token}


def app(request: IssueRequest) -> dict[str, Any]:
    caller = request.parameters["client_id"]
    target = request.parameters.get("target", caller)
    if target == "no-such-app":
        raise Refusal(401, "unauthorized", "the target is unknown or does not allow this client")
    now = int(time.time())
    token = {"iss": demo.ISSUER, "sub": request.user_id, "aud": target, "iat": now, "exp": now + APP_SECONDS}
    token["azp"] = target if request.has("azp-is-the-target") else caller
    if "carry_scope" in request.parameters:
        token["scope"] = request.parameters["carry_scope"]
    if "email" in request.parameters.get("scope", ""):
        token["email"] = "alice@example.com"
    if "name" in request.parameters.get("scope", "").split() and "name" in request.claims:
        token["name"] = request.claims["name"]
    if request.has("adds-a-claim"):
        token["email_of_somebody"] = "x@example.com"
    if request.has("expires-later-than-stated"):
        token["exp"] += 1
    if target in demo.RSA_TARGETS or target in demo.RS256_CLIENTS:
        is_wrong = "refresh_token" in request.parameters and request.has("refresh-signs-with-an-unpublished-key")
        is_wrong |= request.has("signs-with-an-unpublished-key")
        key = request.keys.firebase if is_wrong else request.keys.tenant
        alg = demo.RSA_TARGETS.get(target, "RS256")
        return bearer(jwt.encode(token, key, alg, headers={"kid": demo.TENANT_KID}), APP_SECONDS)
    secret = demo.SECRETS[caller if request.has("signs-with-the-callers-secret") else target]
    return bearer(jwt.encode(token, secret, "HS256"), APP_SECONDS)


def firebase(request: IssueRequest) -> dict[str, Any]:
    uid, developer = request.user_id, {}
    if request.user_id == "auth0|alice":
        uid, developer = "alice-uid", {"claims": {"role": "editor"}}
    if len(uid) > firebase_rules.UID_CHARACTERS_MAX and not request.has("firebase-uid-too-long"):
        raise Refusal(400, "invalid_request", "uid is longer than 128 characters")
    now = int(time.time())
    token = {"iss": demo.FIREBASE_ACCOUNT, "sub": demo.FIREBASE_ACCOUNT, "aud": firebase_rules.AUDIENCE}
    token |= {
        "iat": now,
        "exp": now + FIREBASE_SECONDS + request.has("firebase-lifetime-too-long"),
        "uid": uid,
        **developer,
    }
    if request.has("firebase-sub-is-the-user"):
        token["sub"] = uid
    if request.has("firebase-claims-at-top-level"):
        token["role"] = "editor"
    signed = jwt.encode(token, request.keys.firebase, "RS256", headers={"kid": demo.FIREBASE_KID})
    return bearer(signed, FIREBASE_SECONDS)


def azure_blob(request: IssueRequest) -> dict[str, Any]:
    client_id = request.parameters["client_id"]
    blob = None if client_id == "files" else request.parameters.get("blobName", demo.BLOB)
    container = request.parameters.get("containerName", demo.CONTAINER)
    is_allowed = blob in (None, demo.BLOB, "other.txt") and container == demo.CONTAINER
    if not is_allowed and not request.has("sas-without-bounds"):
        raise Refusal(400, "invalid_request", "this container or blob is not allowed")
    wanted = Wanted(demo.CONTAINER, "other.txt" if request.has("sas-for-another-blob") else blob)
    fields = {"sv": "2022-11-02", "sr": "b" if blob else "c"}
    if client_id == "policy":
        fields["si"] = demo.STORED_POLICY
    if client_id != "policy" or request.has("sas-repeats-the-policy"):
        fields |= blob_times(request) | {"sp": blob_permissions(request, blob)}
    sas = blob_sas.resigned(fields, wanted)
    return {"azure_blob_sas": "?" + sas if request.has("sas-with-question-mark") else sas}


def blob_times(request: IssueRequest) -> dict[str, str]:
    start = datetime.now(UTC).replace(microsecond=0)
    expiry = start + timedelta(minutes=60 if request.has("sas-lifetime-too-long") else demo.SAS_MINUTES)
    zone = "+00:00" if request.has("sas-expiry-with-offset") else "Z"
    return {"st": start.strftime("%Y-%m-%dT%H:%M:%SZ"), "se": expiry.strftime("%Y-%m-%dT%H:%M:%S") + zone}


def blob_permissions(request: IssueRequest, blob: str | None) -> str:
    permissions = "rl" if blob is None else "rw" if request.has("sas-grants-writing") else "r"
    return permissions[::-1] if request.has("sas-permissions-unordered") else permissions


def azure_sb(request: IssueRequest) -> dict[str, Any]:
    entity = request.parameters.get("entityPath", demo.BUS_ENTITY)
    if entity != demo.BUS_ENTITY and not entity.startswith("news/") and not request.has("bus-without-bounds"):
        raise Refusal(400, "invalid_request", "this entity is not allowed")
    if request.has("bus-ignores-the-request"):
        entity = demo.BUS_ENTITY
    resource = f"http://{demo.BUS_NAMESPACE}.servicebus.windows.net/{entity}"
    expiry = int(time.time()) + 60 * (60 if request.has("bus-lifetime-too-long") else demo.SAS_MINUTES)
    encoded = quote(resource, safe="")
    if request.has("bus-resource-in-lower-case"):
        encoded = encoded.lower()
    key = base64.b64decode(demo.BUS_KEY) if request.has("bus-key-decoded") else demo.BUS_KEY.encode()
    signature = base64.b64encode(hmac.digest(key, f"{encoded}\n{expiry}".encode(), "sha256")).decode()
    sas = f"SharedAccessSignature sig={quote(signature, safe='')}&se={expiry}&skn={demo.BUS_POLICY}&sr={encoded}"
    return {"azure_sb_sas": sas}


def mobile(request: IssueRequest) -> dict[str, Any]:
    now = int(time.time())
    expiry = now + APP_SECONDS + request.has("wams-expires-later-than-stated")
    issuer = "urn:other" if request.has("wams-other-issuer") else wams.ISSUER
    token = {"iat": now, "exp": expiry, "iss": issuer, "ver": 2, "aud": "Custom", "uid": f"Custom:{request.user_id}"}
    key = wams.signing_key(demo.MOBILE_MASTER_KEY)
    if request.has("wams-key-without-suffix"):
        key = hashlib.sha256(demo.MOBILE_MASTER_KEY.encode()).digest()
    return bearer(jwt.encode(token, key, "HS256", headers={"kid": "0"}), APP_SECONDS)


def layer_identity(request: IssueRequest) -> dict[str, Any]:
    nonce = request.parameters.get("nonce", "none" if request.has("layer-nonce-is-optional") else "")
    if not re.fullmatch(r"[A-Za-z0-9._~+/=-]+", nonce):
        raise Refusal(400, "invalid_request", "nonce is missing or malformed")
    now = int(time.time())
    subject_claim = "sub" if request.has("layer-subject-in-sub") else "prn"
    token = {"iss": demo.LAYER_PROVIDER, subject_claim: request.user_id, "iat": now, "exp": now + demo.LAYER_SECONDS}
    token["nce"] = "fixed" if request.has("layer-nonce-is-fixed") else nonce
    header = {} if request.has("layer-without-content-type") else {"cty": "layer-eit;v=1"}
    key = request.keys.private("layer")
    return bearer(jwt.encode(token, key, "RS256", headers={**header, "kid": demo.LAYER_KEY_ID}), demo.LAYER_SECONDS)


ISSUERS: dict[str, Callable[[IssueRequest], dict[str, Any]]] = {
    "app": app,
    "firebase": firebase,
    "azure_blob": azure_blob,
    "azure_sb": azure_sb,
    "wams": mobile,
    "layer": layer_identity,
    "aws": reference_upstreams.aws,
    "entra": reference_federation.entra,
    "gcp": reference_federation.gcp,
    "github_app": reference_github.issue,
    "gcp_id_token": reference_federation.gcp_id_token,
    "sap_api": reference_upstreams.sap,
    "salesforce_api": reference_upstreams.salesforce,
    "salesforce_sandbox_api": reference_upstreams.salesforce,
}
