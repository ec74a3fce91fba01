//! `locum who-can`: lists the clients that can reach a target.

use locum_engine::model::Client;
use locum_store::TenantData;
use serde_json::{Value, json};

use crate::cli::WhoCanArgs;
use crate::config;
use crate::exit::CommandError;
use crate::format::print_rows;
use crate::reach::{Directly, Reach, ReachedBy, api_types};
use crate::tenants::{self, lines};

pub(crate) fn run(args: &WhoCanArgs) -> Result<(), CommandError> {
    let config = config::load(&args.config)?;
    let read = tenants::read(&config);
    if !read.errors.is_empty() {
        return Err(CommandError::input_file(lines(&read.errors).join("\n")));
    }
    let mut rows = Vec::new();
    let mut json = Vec::new();
    for tenant in &read.data {
        let Some(target) = tenant.clients.iter().find(|client| client.id == args.target) else { continue };
        for caller in callers(tenant, target) {
            let asks = caller.api_types.join(" ");
            let through = if caller.through.is_empty() { "-".to_owned() } else { caller.through.join(" ") };
            rows.push([tenant.tenant.domain.clone(), caller.id.to_owned(), through, asks]);
            json.push(caller.json(&tenant.tenant.domain));
        }
    }
    let is_known = read.data.iter().flat_map(|tenant| &tenant.clients).any(|client| client.id == args.target);
    if !is_known {
        return Err(CommandError::usage(format!("no tenant has a client with the id `{}`", args.target)));
    }
    print_rows(args.format, ["tenant", "client", "through", "api_types"], &rows, &json);
    Ok(())
}

/// A client that can reach the target.
struct Caller<'a> {
    id: &'a str,
    /// The clients that its chain leads through; nothing if its own id_tokens are enough.
    through: Vec<&'a str>,
    /// What the last client of the chain can ask.
    api_types: Vec<&'a str>,
}

impl Caller<'_> {
    fn json(&self, domain: &str) -> Value {
        json!({"tenant": domain, "client": self.id, "through": self.through, "api_types": self.api_types})
    }
}

fn callers<'a>(tenant: &'a TenantData, target: &'a Client) -> Vec<Caller<'a>> {
    let reach = Reach::of(tenant);
    let ReachedBy { directly, mut through, .. } = reach.who_can(target);
    let mut callers = Vec::new();
    for client in reach.callers() {
        let id = client.id.as_str();
        let is_direct = match &directly {
            Directly::Every => true,
            Directly::Only(ids) => ids.contains(id),
        };
        let chain = if is_direct { Some(Vec::new()) } else { through.remove(id) };
        let Some(chain) = chain else { continue };
        let last = chain.last().and_then(|last| tenant.clients.iter().find(|client| client.id == *last));
        callers.push(Caller { id, api_types: api_types(last.unwrap_or(client), target), through: chain });
    }
    callers
}
