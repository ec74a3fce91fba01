"""Google's own client, google-auth, as another client of the fakes: the same JWT in, what it sent and got out."""

from __future__ import annotations

from unittest.mock import patch

from google.auth import iam, identity_pool, impersonated_credentials
from google.auth.transport.requests import Request

import demo
import fake_google

IAM_SCOPE = "https://www.googleapis.com/auth/iam"


class OneToken(identity_pool.SubjectTokenSupplier):
    """Supplies a JWT that the test made."""

    def __init__(self, assertion: str) -> None:
        self.assertion = assertion

    def get_subject_token(self, context: object, request: object) -> str:
        return self.assertion


def credentials(url: str, assertion: str, scopes: list[str], account: str | None) -> identity_pool.Credentials:
    """As google-auth makes them of a credential configuration file, for the fakes at this URL."""
    generate = f"{url}{fake_google.ACCOUNTS}{account}:generateAccessToken"
    return identity_pool.Credentials(
        audience=demo.GCP_PROVIDER,
        subject_token_type=fake_google.GRANT["subject_token_type"],
        subject_token_supplier=OneToken(assertion),
        token_url=f"{url}{fake_google.STS_PATH}",
        service_account_impersonation_url=generate if account else None,
        scopes=scopes,
    )


def access_token(url: str, assertion: str, scopes: list[str], account: str | None = None) -> identity_pool.Credentials:
    """The refreshed credentials: `token` and `expiry`."""
    refreshed = credentials(url, assertion, scopes, account)
    refreshed.refresh(Request())
    return refreshed


def id_token(url: str, assertion: str, audience: str) -> str:
    source = credentials(url, assertion, iam._IAM_SCOPE, None)
    target = impersonated_credentials.Credentials(source, demo.GCP_ACCOUNT, iam._IAM_SCOPE, delegates=[])
    made = impersonated_credentials.IDTokenCredentials(target, audience, include_email=False)
    # The library has no setting for this endpoint.
    endpoint = f"{url}{fake_google.ACCOUNTS}{{}}:generateIdToken"
    with patch.object(iam, "_IAM_IDTOKEN_ENDPOINT", endpoint):
        made.refresh(Request())
    return made.token
