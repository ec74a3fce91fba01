"""Auth0's own clients of the Management API behind one interface: auth0-python and the npm package auth0."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
from auth0.management import ManagementClient
from auth0.management.core.api_error import ApiError
from auth0.management.core.parse_error import ParsingError

import demo
import management_server
from management_proxy import TlsProxy
from node import Node
from results import Mismatch


class Refused(Exception):
    """The error that a library has made of a refusal."""

    def __init__(self, status: int | None, code: str | None, kind: str) -> None:
        super().__init__(f"{kind}: {status} {code}")
        self.status, self.code, self.kind = status, code, kind


class Sdk(Protocol):
    name: str

    def kind(self, status: int) -> str:
        """The library's class of the error for this status."""

    def clients(self, per_page: int) -> list[dict[str, Any]]:
        """All of them, page by page."""

    def total(self) -> float | None: ...
    def client(self, client_id: str) -> dict[str, Any]: ...
    def create_client(self, body: dict[str, Any]) -> dict[str, Any]: ...
    def update_client(self, client_id: str, body: dict[str, Any]) -> dict[str, Any]: ...
    def rotate_secret(self, client_id: str) -> dict[str, Any]: ...
    def delete_client(self, client_id: str) -> None: ...
    def users(self, query: str) -> list[dict[str, Any]]: ...
    def user(self, user_id: str) -> dict[str, Any]: ...
    def create_user(self, body: dict[str, Any]) -> dict[str, Any]: ...
    def update_user(self, user_id: str, body: dict[str, Any]) -> dict[str, Any]: ...
    def delete_user(self, user_id: str) -> None: ...
    def grants(self, client_id: str) -> list[dict[str, Any]]: ...
    def create_grant(self, body: dict[str, Any]) -> dict[str, Any]: ...
    def update_grant(self, grant_id: str, body: dict[str, Any]) -> dict[str, Any]: ...
    def delete_grant(self, grant_id: str) -> None: ...
    def settings(self) -> dict[str, Any]: ...
    def update_settings(self, body: dict[str, Any]) -> dict[str, Any]: ...
    def signing_keys(self) -> list[dict[str, Any]]: ...
    def signing_key(self, kid: str) -> dict[str, Any]: ...
    def rotate_signing_keys(self) -> dict[str, Any]: ...
    def revoke_signing_key(self, kid: str) -> dict[str, Any]: ...


class PythonSdk:
    """auth0-python, which reads each answer by its own types."""

    name = "auth0-python"

    def __init__(self, proxy: TlsProxy, client_id: str) -> None:
        context = ssl.create_default_context(cafile=str(proxy.authority))
        self.api = ManagementClient(
            domain=proxy.domain,
            client_id=client_id,
            client_secret=management_server.secret(client_id),
            audience=demo.MANAGEMENT_AUDIENCE,
            httpx_client=httpx.Client(verify=context),
        )

    def kind(self, status: int) -> str:
        return {400: "BadRequestError", 403: "ForbiddenError", 404: "NotFoundError", 409: "ConflictError"}[status]

    def clients(self, per_page: int) -> list[dict[str, Any]]:
        return answered(lambda: [members(client) for client in self.api.clients.list(per_page=per_page)])

    def total(self) -> float | None:
        return answered(lambda: self.api.clients.list(per_page=1).response.total)

    def client(self, client_id: str) -> dict[str, Any]:
        return answered(lambda: members(self.api.clients.get(client_id)))

    def create_client(self, body: dict[str, Any]) -> dict[str, Any]:
        return answered(lambda: members(self.api.clients.create(**body)))

    def update_client(self, client_id: str, body: dict[str, Any]) -> dict[str, Any]:
        return answered(lambda: members(self.api.clients.update(client_id, **body)))

    def rotate_secret(self, client_id: str) -> dict[str, Any]:
        return answered(lambda: members(self.api.clients.rotate_secret(client_id)))

    def delete_client(self, client_id: str) -> None:
        answered(lambda: self.api.clients.delete(client_id))

    def users(self, query: str) -> list[dict[str, Any]]:
        return answered(lambda: [members(user) for user in self.api.users.list(q=query, search_engine="v3")])

    def user(self, user_id: str) -> dict[str, Any]:
        return answered(lambda: members(self.api.users.get(user_id)))

    def create_user(self, body: dict[str, Any]) -> dict[str, Any]:
        return answered(lambda: members(self.api.users.create(**body)))

    def update_user(self, user_id: str, body: dict[str, Any]) -> dict[str, Any]:
        return answered(lambda: members(self.api.users.update(user_id, **body)))

    def delete_user(self, user_id: str) -> None:
        answered(lambda: self.api.users.delete(user_id))

    def grants(self, client_id: str) -> list[dict[str, Any]]:
        return answered(lambda: [members(grant) for grant in self.api.client_grants.list(client_id=client_id)])

    def create_grant(self, body: dict[str, Any]) -> dict[str, Any]:
        return answered(lambda: members(self.api.client_grants.create(**body)))

    def update_grant(self, grant_id: str, body: dict[str, Any]) -> dict[str, Any]:
        return answered(lambda: members(self.api.client_grants.update(grant_id, **body)))

    def delete_grant(self, grant_id: str) -> None:
        answered(lambda: self.api.client_grants.delete(grant_id))

    def settings(self) -> dict[str, Any]:
        return answered(lambda: members(self.api.tenants.settings.get()))

    def update_settings(self, body: dict[str, Any]) -> dict[str, Any]:
        return answered(lambda: members(self.api.tenants.settings.update(**body)))

    def signing_keys(self) -> list[dict[str, Any]]:
        return answered(lambda: [members(key) for key in self.api.keys.signing.list()])

    def signing_key(self, kid: str) -> dict[str, Any]:
        return answered(lambda: members(self.api.keys.signing.get(kid)))

    def rotate_signing_keys(self) -> dict[str, Any]:
        return answered(lambda: members(self.api.keys.signing.rotate()))

    def revoke_signing_key(self, kid: str) -> dict[str, Any]:
        return answered(lambda: members(self.api.keys.signing.revoke(kid)))


def members(model: Any) -> dict[str, Any]:
    return model.model_dump(exclude_unset=True, mode="json")


def answered(request: Callable[[], Any]) -> Any:
    try:
        return request()
    except ApiError as error:
        code = error.body.get("errorCode") if isinstance(error.body, dict) else getattr(error.body, "error_code", None)
        raise Refused(error.status_code, code, type(error).__name__) from error
    except ParsingError as error:
        raise Mismatch(f"auth0-python cannot read the answer: {error}") from error


@dataclass
class NodeSdk:
    """The npm package auth0."""

    node: Node
    domain: str
    client_id: str
    name: str = "node-auth0"

    def kind(self, _: int) -> str:
        return "ManagementApiError"

    def ask(self, resource: str, method: str, *parameters: Any) -> Any:
        options = {
            "domain": self.domain,
            "clientId": self.client_id,
            "clientSecret": management_server.secret(self.client_id),
            "audience": demo.MANAGEMENT_AUDIENCE,
        }
        question = {"options": options, "resource": resource, "method": method, "parameters": parameters}
        found = self.node.ask("auth0-management.mjs", question)
        if "crashed" in found:
            raise RuntimeError(found["crashed"])
        if "kind" in found:
            raise Refused(found.get("status"), found.get("code"), found["kind"])
        return found["answer"]

    def clients(self, per_page: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            asked = {"page": len(found) // per_page, "per_page": per_page, "include_totals": True}
            page = self.ask("clients", "getAll", asked)
            found += page["clients"]
            if len(page["clients"]) < per_page:
                return found

    def total(self) -> float | None:
        return self.ask("clients", "getAll", {"per_page": 1, "include_totals": True}).get("total")

    def client(self, client_id: str) -> dict[str, Any]:
        return self.ask("clients", "get", {"client_id": client_id})

    def create_client(self, body: dict[str, Any]) -> dict[str, Any]:
        return self.ask("clients", "create", body)

    def update_client(self, client_id: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.ask("clients", "update", {"client_id": client_id}, body)

    def rotate_secret(self, client_id: str) -> dict[str, Any]:
        return self.ask("clients", "rotateClientSecret", {"client_id": client_id})

    def delete_client(self, client_id: str) -> None:
        self.ask("clients", "delete", {"client_id": client_id})

    def users(self, query: str) -> list[dict[str, Any]]:
        return self.ask("users", "getAll", {"q": query, "search_engine": "v3"})

    def user(self, user_id: str) -> dict[str, Any]:
        return self.ask("users", "get", {"id": user_id})

    def create_user(self, body: dict[str, Any]) -> dict[str, Any]:
        return self.ask("users", "create", body)

    def update_user(self, user_id: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.ask("users", "update", {"id": user_id}, body)

    def delete_user(self, user_id: str) -> None:
        self.ask("users", "delete", {"id": user_id})

    def grants(self, client_id: str) -> list[dict[str, Any]]:
        return self.ask("clientGrants", "getAll", {"client_id": client_id})

    def create_grant(self, body: dict[str, Any]) -> dict[str, Any]:
        return self.ask("clientGrants", "create", body)

    def update_grant(self, grant_id: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.ask("clientGrants", "update", {"id": grant_id}, body)

    def delete_grant(self, grant_id: str) -> None:
        self.ask("clientGrants", "delete", {"id": grant_id})

    def settings(self) -> dict[str, Any]:
        return self.ask("tenants", "getSettings")

    def update_settings(self, body: dict[str, Any]) -> dict[str, Any]:
        return self.ask("tenants", "updateSettings", body)

    def signing_keys(self) -> list[dict[str, Any]]:
        return self.ask("keys", "getAll")

    def signing_key(self, kid: str) -> dict[str, Any]:
        return self.ask("keys", "get", {"kid": kid})

    def rotate_signing_keys(self) -> dict[str, Any]:
        return self.ask("keys", "rotate")

    def revoke_signing_key(self, kid: str) -> dict[str, Any]:
        return self.ask("keys", "revoke", {"kid": kid})
