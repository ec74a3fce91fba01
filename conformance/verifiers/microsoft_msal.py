"""Microsoft's own client, MSAL, as another client of the fake: the same JWT in, what it sent and got out."""

from __future__ import annotations

from typing import Any

import msal
import requests

import demo
import fake_entra


class FakeHost:
    """The HTTP client of MSAL, which calls Microsoft's host by https only: sends to the fake what is for that host."""

    def __init__(self, url: str) -> None:
        self.url, self.session = url, requests.Session()

    def get(self, url: str, **more: Any) -> requests.Response:
        return self.session.get(self.here(url), **more)

    def post(self, url: str, **more: Any) -> requests.Response:
        return self.session.post(self.here(url), **more)

    def here(self, url: str) -> str:
        if not url.startswith(fake_entra.HOST + "/"):
            raise ValueError(f"MSAL calls {url}")
        return self.url + url.removeprefix(fake_entra.HOST)

    def close(self) -> None:
        self.session.close()


def token(url: str, assertion: str, scope: str) -> dict[str, Any]:
    """The token response, or the error."""
    application = msal.ConfidentialClientApplication(
        demo.ENTRA_CLIENT,
        client_credential={"client_assertion": assertion},
        authority=f"{fake_entra.HOST}/{demo.ENTRA_DIRECTORY}",
        instance_discovery=False,
        http_client=FakeHost(url),
    )
    return application.acquire_token_for_client([scope])
