"""Verifies the way from a tenant at Auth0 to a Locum server: the page for operators, and what its server issues."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import jwt
from auth0.authentication import Delegated
from auth0.authentication.exceptions import Auth0Error
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

import auth0_js
import fake_auth0
import http_client
import page_commands
import subject
from fake_auth0 import FakeAuth0, Tenant
from locum_server import GRANT_TYPE, LocumServer
from node import Node
from oauth_clients import Refused
from processes import free_port
from results import Case, Mismatch, expect_equal

DOMAIN = "delegation.acme.example"
TENANT_FILE = f"{DOMAIN}.yaml"
LEGACY_GRANTS = ["http://auth0.com/oauth/legacy/grant-type/delegation/id_token"]
SHOP_SECRET = "shop-secret-0123456789-0123456789-0123456789"
FOLLOWED = "the page was followed"
SECONDS_MAX = 240

# What is not typed: the packages are installed, in the version that package-lock.json pins.
INSTALL = "npm install --no-save --ignore-scripts auth0-deploy-cli@"

CLIENTS: list[dict[str, Any]] = [
    {
        "name": "Shop / Größe: 100 %",
        "client_id": "shopClientId",
        "client_secret": SHOP_SECRET,
        "app_type": "spa",
        "token_endpoint_auth_method": "none",
        "grant_types": [*LEGACY_GRANTS, "implicit"],
        "allowed_origins": ["https://shop.acme.example"],
        "jwt_configuration": {"alg": "HS256", "lifetime_in_seconds": 36000, "secret_encoded": False},
        "addons": {
            "wams": {"masterkey": "wams-master-key-0123456789-0123456789"},
            "samlp": {"audience": "https://wiki.acme.example"},
            "azure_blob": {
                "accountName": "acmefiles",
                "storageAccessKey": "c3RvcmFnZS1rZXktMDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc=",
                "containerName": "invoices",
                "blobName": "hello.txt",
                "blob_read": True,
            },
            "firebase": {},
            "layer": None,
        },
        "global": False,
        "tenant": "acme",
        "is_first_party": True,
        "oidc_conformant": False,
        "custom_login_page": "<html>${env:HOME}</html>",
        "something_new": {"a": [1]},
    },
    {
        "name": "Orders API",
        "client_id": "ordersApiId",
        "client_secret": "orders-secret-0123456789-0123456789-012345678",
        "app_type": "non_interactive",
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": [],
        "allowed_clients": ["shopClientId", "reportsId", "newAppId"],
        "jwt_configuration": {"alg": "RS256", "lifetime_in_seconds": 3600},
        "oidc_conformant": False,
    },
    {
        "name": "Reports",
        "client_id": "reportsId",
        "client_secret": "reports-secret-0123456789-0123456789-01234567",
        "app_type": "regular_web",
        "grant_types": LEGACY_GRANTS,
        "allowed_clients": ["reportsId"],
        "jwt_configuration": {"alg": "RS256"},
        "oidc_conformant": False,
    },
    {
        "name": "New app",
        "client_id": "newAppId",
        "client_secret": "new-secret-0123456789-0123456789-0123456789",
        "app_type": "spa",
        "grant_types": ["authorization_code", "refresh_token"],
        "oidc_conformant": True,
    },
]
RULE = """function (user, context, callback) {
  context.addonConfiguration = { azure_blob: { blobName: 'hello.txt' } };
  user.firebase_data = { uid: user.user_id };
  callback(null, user, context);
}"""


@dataclass
class Context:
    locum: Path
    plugins_dir: Path
    page: Path
    node_modules: Path
    scratch: Path
    auth0: FakeAuth0 | None = None
    port: int = field(default_factory=free_port)

    @property
    def folder(self) -> Path:
        """The folder in which the page's commands run."""
        return self.scratch / "home/leaving-auth0"

    def environment(self) -> dict[str, str]:
        certificates = str(self.auth0.authority)
        return {
            **os.environ,
            "PATH": f"{self.locum.parent}:{os.environ['PATH']}",
            "NODE_EXTRA_CA_CERTS": certificates,
            "SSL_CERT_FILE": certificates,
            "NO_COLOR": "1",
            "LOCUM_LOG": "warn",
        }


def cases(context: Context) -> Iterator[Case]:
    with fake_auth0.serving(tenant(), context.scratch) as auth0:
        context.auth0 = auth0
        with followed(context) as log:
            yield case(
                "page",
                "the page's commands end with a delegation token that verifies",
                partial(check_page, context, log),
            )
            yield case(
                "report",
                "the import tells what is left out, what has changed and what a rule does",
                partial(check_report, log),
            )
            yield case(
                "former-issuer-rs256",
                "auth0-python exchanges an id_token that Auth0's key has signed, and none that another key has",
                partial(check_rs256, context),
            )
            yield case(
                "former-issuer-hs256",
                "auth0-python and a page with auth0-js exchange an id_token that the client's secret has signed, and none of another issuer",
                partial(check_hs256, context),
            )
            yield case(
                "add-ons",
                "add-ons that were kept issue, one that was not does not",
                partial(check_add_ons, context),
            )
            yield case(
                "allowed-clients",
                "a target is closed to whom it was closed at Auth0",
                partial(check_closed, context),
            )
        yield case(
            "directory",
            "the other form of an export gives the same tenant file",
            partial(check_directory, context),
        )
        yield case(
            "missing",
            "an export without ids and secrets becomes whole by the lines that the import names",
            partial(check_missing, context),
        )
        yield case(
            "api-clients",
            "ids and secrets are taken from the Management API's list",
            partial(check_api_clients, context),
        )
        yield case("ordered", "an export with sorted add-ons is noticed", partial(check_ordered, context))
        yield case(
            "requests",
            "the deploy CLI asked for nothing that the page gives no scope for",
            partial(check_unknown, context),
        )


def case(name: str, description: str, run: partial[None]) -> Case:
    return Case(f"leaving_auth0/{name}", description, run)


def tenant() -> Tenant:
    return Tenant(
        clients=CLIENTS,
        settings={"friendly_name": "Acme", "flags": {"allow_legacy_delegation_grant_types": True, "enable_sso": True}},
        rules=[{"id": "rul_1", "name": "Give: Firebase", "enabled": True, "order": 1, "script": RULE}],
        client_grants=[
            {"id": "cgr_1", "client_id": "reportsId", "audience": "https://acme/api/v2/", "scope": ["read:users"]}
        ],
        scopes=set(),
    )


@contextmanager
def followed(context: Context) -> Iterator[Path]:
    """Runs the commands of the page, and keeps the server that they start until the block ends."""
    auth0 = context.auth0
    auth0.tenant.scopes = scopes_of(context.page)
    (context.scratch / "home").mkdir()
    install = install_line(context)
    text = page_commands.script(
        context.page,
        {"json": "config.json", "toml": "locum.toml"},
        {
            install: f"ln -s {context.node_modules} node_modules",
            "acme.eu.auth0.com": auth0.domain,
            "the id of the application": fake_auth0.PROGRAM[0],
            "the secret of the application": fake_auth0.PROGRAM[1],
            "/etc/locum/plugins": str(context.plugins_dir),
            "127.0.0.1:3000": f"127.0.0.1:{context.port}",
        },
    )
    script, log = context.scratch / "page.sh", context.scratch / "page.log"
    script.write_text(f"{text}echo {FOLLOWED}\nwait\n", encoding="utf-8")
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["sh", script],
            cwd=context.scratch / "home",
            env=context.environment(),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            await_end(process, log)
            yield log
        finally:
            # The shell and the server that it has started; neither, if a command of the page has failed.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def await_end(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while FOLLOWED not in log.read_text(encoding="utf-8"):
        if process.poll() is not None or time.monotonic() > deadline:
            # The case `page` says what went wrong.
            return
        time.sleep(0.05)


def scopes_of(page: Path) -> set[str]:
    """What the page says to grant."""
    return set(re.findall(r"\bread:[a-z_]+", page.read_text(encoding="utf-8")))


def install_line(context: Context) -> str:
    """The page's line that installs the deploy CLI, which must name the version that is installed."""
    found = re.search(f"^{re.escape(INSTALL)}(\\S+)$", context.page.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise page_commands.NotFollowable(f"no line of the page begins with `{INSTALL}`")
    package = json.loads((context.node_modules / "auth0-deploy-cli/package.json").read_text(encoding="utf-8"))
    expect_equal("the version of the deploy CLI in the page", found[1], package["version"])
    return found[0]


def check_page(context: Context, log: Path) -> None:
    if FOLLOWED not in log.read_text(encoding="utf-8"):
        raise Mismatch(f"the page's commands failed: {log.read_text(encoding='utf-8')[-600:]}")
    issued = json.loads((context.folder / "delegation.json").read_text(encoding="utf-8"))
    expect_app_token(context, issued["id_token"], "ordersApiId", "shopClientId", "auth0|alice")
    for path in [context.folder / "tenant", *(context.folder / "tenant").rglob("*")]:
        if path.stat().st_mode & 0o077:
            raise Mismatch(f"others can read {path.name}")


def check_report(log: Path) -> None:
    text = log.read_text(encoding="utf-8")
    for line in [
        "decide: client shopClientId: the add-on firebase is written as null: ",
        "client newAppId is left out: it has no legacy delegation grant",
        "decide: rules/Give- Firebase.js:2: uses context.addonConfiguration",
        "decide: rules/Give- Firebase.js:3: writes user.firebase_data",
        "fields left out, which Locum does not know: something_new (1 client)",
        "add-ons left out, which are for single sign-on: samlp (1 client)",
        "trust: client ordersApiId: services that verify its app tokens must take their keys from",
        "reach: delegation.acme.example: reportsId by reportsId",
    ]:
        if not any(found.startswith(line) for found in text.splitlines()):
            raise Mismatch(f"no line of the output is `{line}`")
    if not re.search(r"^plugins: \d+, tenants: 1, problems: 0$", text, re.MULTILINE):
        raise Mismatch("`locum check` has found a problem")
    if SHOP_SECRET in text:
        raise Mismatch("the output shows a secret")


def check_rs256(context: Context) -> None:
    claims = id_token_claims(context, "reportsId")
    key, kid = context.auth0.tenant.key, fake_auth0.KID
    token = delegated(context, "reportsId", "ordersApiId", subject.rs256(claims, key, kid))["id_token"]
    expect_app_token(context, token, "ordersApiId", "reportsId", claims["sub"])
    other = generate_private_key(65537, 2048)
    expect_refused(context, "reportsId", subject.rs256(claims, other, kid))
    expect_refused(context, "reportsId", subject.hmac_signed(claims, b"reports-secret-0123456789-0123456789-01234567"))
    expect_refused(context, "reportsId", subject.rs256({**claims, "aud": "shopClientId"}, key, kid))


def check_hs256(context: Context) -> None:
    claims = id_token_claims(context, "shopClientId")
    secret = SHOP_SECRET.encode("ascii")
    id_token = subject.hmac_signed(claims, secret)
    token = delegated(context, "shopClientId", "ordersApiId", id_token)["id_token"]
    expect_app_token(context, token, "ordersApiId", "shopClientId", claims["sub"])
    by_page = delegated_to_page(context, "https://shop.acme.example", id_token)
    expect_app_token(context, by_page, "ordersApiId", "shopClientId", claims["sub"])
    try:
        delegated_to_page(context, "https://other.acme.example", id_token)
    except Refused:
        pass
    else:
        raise Mismatch("a page of an origin that Auth0 did not allow reads a token")
    expect_refused(context, "shopClientId", subject.hmac_signed({**claims, "iss": "https://other.example/"}, secret))
    expect_refused(context, "shopClientId", subject.hmac_signed(claims, secret + b"x"))


def check_add_ons(context: Context) -> None:
    token = subject.hmac_signed(id_token_claims(context, "shopClientId"), SHOP_SECRET.encode("ascii"))
    expect_equal(
        "what azure_blob gives",
        set(delegated(context, "shopClientId", "shopClientId", token, "azure_blob")),
        {"azure_blob_sas"},
    )
    wams = delegated(context, "shopClientId", "shopClientId", token, "wams")["id_token"]
    expect_equal("the kind of the wams token", jwt.get_unverified_header(wams)["alg"], "HS256")
    server = LocumServer(f"http://127.0.0.1:{context.port}")
    # As at Auth0, a request without api_type gets the first add-on.
    first = server.post(
        "/delegation", {"client_id": "shopClientId", "grant_type": GRANT_TYPE, "id_token": token}
    ).issued("wams")
    headers = [jwt.get_unverified_header(token) for token in (first["id_token"], wams)]
    expect_equal("the header of the default add-on's token", headers[0], headers[1])
    server.exchange("shopClientId", token, api_type="firebase").expect_error(400, "invalid_request")


def check_closed(context: Context) -> None:
    token = subject.hmac_signed(id_token_claims(context, "shopClientId"), SHOP_SECRET.encode("ascii"))
    server = LocumServer(f"http://127.0.0.1:{context.port}")
    server.exchange("shopClientId", token, target="reportsId", api_type="app").expect_error(401, "unauthorized")
    server.exchange("newAppId", token, api_type="app").expect_error(403, "unauthorized_client")


def check_directory(context: Context) -> None:
    export(context, "directory", "directory")
    run_locum(context, 0, "directory", "--out", "from-directory")
    trees = [tenant_text(context, folder) for folder in ("tenant", "from-directory")]
    expect_equal("the tenant file of the form directory", trees[1], trees[0])
    secrets = [
        {file.name: file.read_text() for file in (context.folder / folder / "secrets").iterdir()}
        for folder in ("tenant", "from-directory")
    ]
    different = {name for name in {*secrets[0], *secrets[1]} if secrets[0].get(name) != secrets[1].get(name)}
    # Each import makes a key.
    expect_equal("the secrets that differ", different, {"tenant.key", "tenant.crt"})


def check_missing(context: Context) -> None:
    added: dict[str, Any] = {}
    absent = {"AUTH0_EXPORT_IDENTIFIERS": None, "INCLUDED_PROPS": None}
    for expected in absent:
        export(context, "incomplete", "yaml", **{**absent, **added})
        message = run_locum(context, 3, "incomplete", "--out", "never")
        lines = re.findall(r'^locum: +("[A-Z0-9_]+": .*)$', message, re.MULTILINE)
        if len(lines) != 1 or (context.folder / "never").exists():
            raise Mismatch(f"the import does not name one line to add: {message}")
        added |= json.loads("{" + lines[0] + "}")
        expect_equal("the last line that was named", list(added)[-1], expected)
    export(context, "incomplete", "yaml", **added)
    run_locum(context, 0, "incomplete", "--out", "completed")
    expect_equal("the tenant file", tenant_text(context, "completed"), tenant_text(context, "tenant"))


def check_api_clients(context: Context) -> None:
    export(context, "no-ids", "yaml", AUTH0_EXPORT_IDENTIFIERS=None, INCLUDED_PROPS=None)
    (context.folder / "clients.json").write_text(json.dumps(context.auth0.clients()), encoding="utf-8")
    run_locum(context, 0, "no-ids", "--out", "joined", "--clients", "clients.json")
    # The deploy CLI orders fields and clients by what it exports.
    words = [sorted(tenant_text(context, folder).split()) for folder in ("joined", "tenant")]
    expect_equal("the tenant file, word by word", words[0], words[1])


def check_ordered(context: Context) -> None:
    export(context, "ordered", "yaml", AUTH0_EXPORT_ORDERED=True)
    warning = "which sorts add-ons: a request without api_type now gets azure_blob"
    if warning not in run_locum(context, 0, "ordered", "--out", "sorted"):
        raise Mismatch("the import does not say that add-ons are sorted")


def check_unknown(context: Context) -> None:
    expect_equal("the paths that the fake does not know", set(context.auth0.unknown), set())


def id_token_claims(context: Context, client_id: str) -> dict[str, Any]:
    return subject.claims(client_id, iss=context.auth0.issuer)


def delegated(context: Context, client_id: str, target: str, id_token: str, api_type: str = "app") -> dict[str, Any]:
    """What auth0-python gets."""
    try:
        return request(context, client_id, target, id_token, api_type)
    except Auth0Error as error:
        raise Mismatch(f"auth0-python raised {error}") from error


def delegated_to_page(context: Context, origin: str, id_token: str) -> str:
    """What auth0-js gets for a page of this origin."""
    request = {"id_token": id_token, "grant_type": GRANT_TYPE, "target": "ordersApiId", "apiType": "app"}
    base_url = f"http://127.0.0.1:{context.port}"
    with Node(context.node_modules) as node:
        return auth0_js.called_at(node, base_url, "shopClientId", origin, "delegation", request)["idToken"]


def request(context: Context, client_id: str, target: str, id_token: str, api_type: str) -> dict[str, Any]:
    client = Delegated(f"127.0.0.1:{context.port}", client_id, protocol="http")
    return client.get_token(target, api_type, GRANT_TYPE, id_token=id_token)


def expect_refused(context: Context, client_id: str, id_token: str) -> None:
    try:
        request(context, client_id, "ordersApiId", id_token, "app")
    except Auth0Error as error:
        expect_equal("the client's error", (error.status_code, error.error_code), (400, "invalid_grant"))
        return
    raise Mismatch("the client got a token for an id_token that Auth0 has not signed")


def expect_app_token(context: Context, token: str, audience: str, caller: str, user_id: str) -> None:
    """Verifies it with the keys that the server publishes."""
    url = f"http://127.0.0.1:{context.port}/.well-known/jwks.json"
    keys = jwt.PyJWKSet.from_json(http_client.send(urllib.request.Request(url))[2])
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=f"https://{DOMAIN}/")
    expect_equal("azp and sub", (claims["azp"], claims["sub"]), (caller, user_id))


def export(context: Context, folder: str, form: str, **changes: Any) -> None:
    """Exports once more, with a config that is changed so; None removes a member."""
    config = json.loads((context.folder / "config.json").read_text(encoding="utf-8"))
    config = {name: value for name, value in {**config, **changes}.items() if value is not None}
    file = context.folder / f"{folder}.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    command = ["node_modules/.bin/a0deploy", "export", "--config_file", file]
    output(context, 0, [*command, "--format", form, "--output_folder", folder])


def run_locum(context: Context, code: int, folder: str, *arguments: str) -> str:
    """What an import prints that ends with this exit code."""
    command = [context.locum, "import", "auth0", folder, "--domain", DOMAIN, "--config", "config.json"]
    return output(context, code, [*command, "--plugins", context.plugins_dir, *arguments])


def output(context: Context, code: int, command: list[str | Path]) -> str:
    run = subprocess.run(
        command, cwd=context.folder, env=context.environment(), capture_output=True, text=True, timeout=SECONDS_MAX
    )
    if run.returncode != code:
        found = f"{Path(command[0]).name} ended with {run.returncode}, expected {code}"
        raise Mismatch(f"{found}: {run.stderr} {run.stdout}")
    return run.stdout + run.stderr


def tenant_text(context: Context, folder: str) -> str:
    """The tenant file without the id of its key, which each import makes anew."""
    text = (context.folder / folder / TENANT_FILE).read_text(encoding="utf-8")
    return re.sub(r'kid: "[0-9a-f]+"', "kid", text)
