"""The reference's `/oauth/token`, on its `/delegation`, with the faults of the group `token_exchange`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import demo
import reference_management
from reference_refresh_tokens import RefreshTokens
from reference_request import Refusal

TOKEN_TYPE = "urn:ietf:params:oauth:token-type:"
ADD_ON_TOKEN_TYPE = "urn:locum:token-type:"
# The codes of OAuth for those of `/delegation`.
IN_TERMS_OF_OAUTH = {
    (401, "unauthorized"): (400, "invalid_target"),
    (403, "unauthorized_client"): (401, "invalid_client"),
}
METADATA = {
    "issuer": demo.ISSUER,
    "authorization_endpoint": f"{demo.ISSUER}authorize",
    "token_endpoint": f"{demo.ISSUER}oauth/token",
    "revocation_endpoint": f"{demo.ISSUER}oauth/revoke",
    "introspection_endpoint": f"{demo.ISSUER}oauth/introspect",
    "userinfo_endpoint": f"{demo.ISSUER}userinfo",
    "jwks_uri": f"{demo.ISSUER}.well-known/jwks.json",
    "response_types_supported": ["id_token"],
}


def respond(
    form: dict[str, str],
    authenticated: Callable[[bool], tuple[str, bool]],
    has: Callable[[str], bool],
    delegate: Callable[[dict[str, str], bool], dict[str, Any]],
    refresh_tokens: RefreshTokens,
) -> dict[str, Any]:
    """The answer; `authenticated` has the client and whether it authenticated, given whether any secret will do, and
    `delegate` answers the same request at `/delegation`."""
    try:
        is_refresh = form["grant_type"] == "refresh_token"
        is_own = form["grant_type"] == "client_credentials"
        fault = "management" if is_own else "refresh" if is_refresh else "token"
        client_id, is_authenticated = authenticated(has(f"{fault}-accepts-any-secret"))
        if is_own:
            return reference_management.issued(client_id, is_authenticated, form, has)
        if is_refresh:
            return refresh_tokens.refreshed(client_id, form, partial(delegate, is_authenticated=is_authenticated))
        if form.get("requested_token_type") == f"{TOKEN_TYPE}refresh_token":
            return refresh_tokens.issued(client_id, form)
        scope = form.get("scope", "openid")
        target = form.get("audience", client_id)
        is_known = target in demo.SECRETS or target in demo.RSA_TARGETS or target in demo.RS256_CLIENTS
        if not is_known and not has("token-issues-for-any-target"):
            raise Refusal(400, "invalid_target", "the target is unknown")
        api_type = form.get("requested_token_type", f"{TOKEN_TYPE}jwt")
        api_type = api_type.removeprefix(ADD_ON_TOKEN_TYPE) if api_type.startswith(ADD_ON_TOKEN_TYPE) else "app"
        request = {
            "client_id": client_id,
            "id_token": form["subject_token"],
            "target": target if is_known else client_id,
            "scope": scope,
            "api_type": api_type,
            "carry_scope": scope,
        }
        return answer(delegate(request, is_authenticated), form, api_type, has)
    except Refusal as refusal:
        status, code = IN_TERMS_OF_OAUTH.get(
            (refusal.status, refusal.body["error"]), (refusal.status, refusal.body["error"])
        )
        raise Refusal(status, code, refusal.body["error_description"]) from refusal


def answer(body: dict[str, Any], form: dict[str, str], api_type: str, has: Callable[[str], bool]) -> dict[str, Any]:
    is_app = api_type == "app"
    found = {
        "access_token": body["id_token"] if is_app else body["azure_blob_sas"],
        "issued_token_type": form.get("requested_token_type", f"{TOKEN_TYPE}jwt"),
        "token_type": "Bearer" if is_app or has("token-says-that-a-sas-is-a-bearer-token") else "N_A",
        "expires_in": body.get("expires_in", 300) - has("token-lives-longer-than-stated"),
    }
    if has("token-omits-the-issued-type"):
        del found["issued_token_type"]
    return found
