"""Which pages may read the reference's answers (CORS), with the faults of the group `auth0_js`."""

from __future__ import annotations

from collections.abc import Callable

# The origin of a client of the demo tenant.
ORIGIN = "http://localhost:8080"


def headers(origin: str | None, has: Callable[[str], bool]) -> dict[str, str]:
    """Those of an answer to a page of this origin."""
    is_allowed = origin == ORIGIN or has("pages-of-any-origin-read")
    if origin is None or not is_allowed or has("pages-read-nothing"):
        return {}
    return {"Access-Control-Allow-Origin": origin}


def preflight(origin: str | None, has: Callable[[str], bool]) -> dict[str, str]:
    """Those of the answer to a preflight."""
    allowed = (
        "Content-Type, Auth0-Client"
        if has("pages-send-no-authorization")
        else "Content-Type, Auth0-Client, Authorization"
    )
    return {
        **headers(origin, has),
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": allowed,
    }
