//! The control socket: how an operator asks a running server about its plugins, pauses and upgrades them.
//!
//! One connection carries one request and one answer, each a line of JSON. Only the server's own user and root can
//! connect. `socket` creates the socket, `listener` reads requests, `orders` and `upgrade` do what they ask, `client` is
//! the side of the commands.

pub(crate) mod client;
mod controlled_server;
mod listener;
mod orders;
pub(crate) mod protocol;
mod socket;
mod upgrade;

pub(crate) use controlled_server::ControlledServer;
pub(crate) use listener::serve;
pub(crate) use socket::ControlSocket;
