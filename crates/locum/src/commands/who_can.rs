//! `locum who-can`: lists the clients that can reach a target.

use locum_engine::reach::{Reach, ReachingClient};
use serde_json::json;

use crate::cli::WhoCanArgs;
use crate::config;
use crate::exit::CommandError;
use crate::format::print_rows;
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
        let domain = &tenant.tenant.domain;
        for ReachingClient { client_id, through, api_types, .. } in
            Reach::of(&tenant.tenant, &tenant.clients).reaching_clients(target)
        {
            json.push(
                json!({"tenant": domain, "client": client_id, "through": through, "api_types": api_types}),
            );
            let through = if through.is_empty() { "-".to_owned() } else { through.join(" ") };
            rows.push([domain.clone(), client_id.to_owned(), through, api_types.join(" ")]);
        }
    }
    let is_known = read.data.iter().flat_map(|tenant| &tenant.clients).any(|client| client.id == args.target);
    if !is_known {
        return Err(CommandError::usage(format!("no tenant has a client with the id `{}`", args.target)));
    }
    print_rows(args.format, ["tenant", "client", "through", "api_types"], &rows, &json);
    Ok(())
}
