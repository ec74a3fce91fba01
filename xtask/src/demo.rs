//! Starts a server with a demo tenant and exchanges id_tokens for credentials of every kind.

use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args as ClapArgs;
use serde_json::{Value, json};

use crate::build::{self, Built, build};
use crate::fake_upstreams::FakeUpstreams;
use crate::http;
use crate::server::{Server, TENANT};
use crate::shell::{capture, has};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

#[derive(ClapArgs)]
pub struct Args {
    /// Stop the server once the credentials are shown.
    #[arg(long)]
    once: bool,
    /// Port of 127.0.0.1 that the server listens on; with `--once` any free one.
    #[arg(long, default_value_t = 3000)]
    port: u16,
}

/// One exchange that the demo shows.
struct Exchange {
    title: &'static str,
    target: &'static str,
    scope: &'static str,
    api_type: &'static str,
    extra: (&'static str, &'static str),
}

impl Exchange {
    const fn add_on(title: &'static str, api_type: &'static str) -> Self {
        Self { title, target: "spa", scope: "openid", api_type, extra: ("", "") }
    }
}

/// Issued without an upstream call.
const OWN: [Exchange; 6] = [
    Exchange {
        title: "an app JWT for another API of the tenant",
        target: "orders-api",
        scope: "openid profile email",
        api_type: "app",
        extra: ("", ""),
    },
    Exchange::add_on("a Firebase custom token", "firebase"),
    Exchange::add_on("an Azure blob SAS", "azure_blob"),
    Exchange::add_on("an Azure Service Bus SAS", "azure_sb"),
    Exchange { extra: ("nonce", "demo-nonce"), ..Exchange::add_on("a Layer identity token", "layer") },
    Exchange::add_on("an Azure Mobile Services token", "wams"),
];

/// Issued by an upstream.
const UPSTREAM: [Exchange; 8] = [
    Exchange::add_on("AWS keys, by a SAML response", "aws"),
    Exchange::add_on("a Google Cloud access token, by workload identity federation", "gcp"),
    Exchange::add_on("a Google ID token of a service account", "gcp_id_token"),
    Exchange::add_on("a Microsoft Entra ID access token, by workload identity federation", "entra"),
    Exchange::add_on("a token of a GitHub App's installation", "github_app"),
    Exchange::add_on("an SAP access token, by a SAML assertion", "sap_api"),
    Exchange::add_on("a Salesforce access token, by a JWT", "salesforce_api"),
    Exchange::add_on("a Salesforce sandbox access token", "salesforce_sandbox_api"),
];

pub fn run(args: &Args) -> Result<()> {
    let built = build(build::Args { release: false })?;
    let port = if args.once { 0 } else { args.port };
    let fake_upstreams = has("python3").then(FakeUpstreams::start).transpose()?;
    let server = Server::start(&built, "demo", port)?;
    let id_token = mint(&built, "auth0|alice")?;
    println!("\nalice signs in to `spa` and gets this id_token:\n\n{id_token}\n");
    for exchange in &OWN {
        show(&built, &server, &id_token, exchange)?;
    }
    // Another user, because each has ten requests.
    let id_token = mint(&built, "auth0|bob")?;
    println!("bob signs in to `spa` too:\n\n{id_token}\n");
    for exchange in &UPSTREAM {
        match fake_upstreams {
            Some(_) => show(&built, &server, &id_token, exchange)?,
            None => println!("NOT SHOWN: {}; the fake upstream needs python3", exchange.title),
        }
    }
    if args.once {
        return Ok(());
    }
    println!("The server keeps running; stop it with Ctrl-C. Paste this into another terminal:\n");
    println!("{}\n", curl(server.address()));
    server.wait()
}

/// The id_token that a user gets who signs in to `spa`.
fn mint(built: &Built, user: &str) -> Result<String> {
    let mut mint = Command::new(&built.locum);
    mint.args(["token", "mint", "--tenant", TENANT, "--client", "spa", "--user", user, "--lifetime", "3600"]);
    let output = capture(&mut mint)?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn show(built: &Built, server: &Server, id_token: &str, exchange: &Exchange) -> Result<()> {
    let Exchange { title, target, scope, api_type, extra } = exchange;
    let mut body = json!({
        "client_id": "spa", "grant_type": JWT_BEARER, "id_token": id_token,
        "target": target, "scope": scope, "api_type": api_type,
    });
    if let (Some(body), false) = (body.as_object_mut(), extra.0.is_empty()) {
        body.insert(extra.0.to_owned(), extra.1.into());
    }
    let (status, answer) = http::post_json(server.address(), "/delegation", &body)?;
    if status != 200 {
        bail!("api_type {api_type} answered {status}: {answer}");
    }
    println!("{title} (api_type {api_type}, target {target}):\n\n{answer:#}\n");
    if let Some(token) = answer.get("id_token").and_then(Value::as_str) {
        println!("which decodes to:\n\n{:#}\n", decoded(built, token)?);
    }
    Ok(())
}

fn decoded(built: &Built, token: &str) -> Result<Value> {
    let output = capture(Command::new(&built.locum).args(["token", "inspect", "--format", "json", token]))?;
    let inspected: Value = serde_json::from_slice(&output.stdout)?;
    let part = |name: &str| {
        inspected.get(name).cloned().with_context(|| format!("`locum token inspect` printed no {name}"))
    };
    Ok(json!({"header": part("header")?, "claims": part("claims")?}))
}

fn curl(address: &str) -> String {
    format!(
        r#"curl -sS http://{address}/delegation -H 'content-type: application/json' -d @- <<JSON
{{"client_id": "spa", "grant_type": "{JWT_BEARER}", "target": "orders-api", "scope": "openid email", "api_type": "app",
 "id_token": "$(target/debug/locum token mint --tenant {TENANT} --client spa --user 'auth0|bob')"}}
JSON"#
    )
}
