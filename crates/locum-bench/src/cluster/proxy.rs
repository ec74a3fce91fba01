//! HAProxy in front of the nodes.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// How long it may take to start.
const START_MAX: Duration = Duration::from_secs(10);

/// `docs/scaling.md` shows this file, and a test sees that it is the same.
const CONFIG: &str = include_str!("haproxy.cfg");

pub(super) struct Proxy {
    process: Child,
    socket: PathBuf,
    pub(super) address: SocketAddr,
}

impl Proxy {
    /// Starts it at this address, and waits until it listens.
    pub(super) fn start(
        folder: &Path,
        address: SocketAddr,
        nodes: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<Self> {
        let socket = folder.join("haproxy.sock");
        let file = folder.join("haproxy.cfg");
        fs::write(&file, config(&socket.to_string_lossy(), address, nodes))?;
        let process = Command::new("haproxy")
            // In the foreground, as one process.
            .args(["-db", "-q", "-f"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start haproxy")?;
        let proxy = Self { process, socket, address };
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            ensure!(start.elapsed() < START_MAX, "haproxy does not listen at {address}");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(proxy)
    }

    /// Sets the state of the first node: `drain`, so that it gets no new request, or `ready`.
    pub(super) fn set_first_node(&self, state: &str) -> Result<()> {
        let mut socket = UnixStream::connect(&self.socket)?;
        socket.write_all(format!("set server nodes/node1 state {state}\n").as_bytes())?;
        let mut said = String::new();
        socket.read_to_string(&mut said)?;
        ensure!(said.trim().is_empty(), "haproxy: {said}");
        Ok(())
    }
}

/// The file for these addresses.
fn config(socket: &str, front: SocketAddr, nodes: impl IntoIterator<Item = SocketAddr>) -> String {
    let servers =
        nodes.into_iter().enumerate().map(|(index, node)| format!("  server node{} {node}", index + 1));
    CONFIG
        .replace("@SOCKET@", socket)
        .replace("@FRONT@", &front.to_string())
        .replace("@NODES@", &servers.collect::<Vec<_>>().join("\n"))
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Both fail only if it has already stopped.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_the_config_that_is_run() {
        let page = include_str!("../../../../docs/scaling.md");
        let nodes = [11, 12, 13].map(|host| SocketAddr::from(([10, 0, 0, host], 3000)));
        let config = config("/run/haproxy/locum.sock", SocketAddr::from(([10, 0, 0, 10], 80)), nodes);
        assert!(page.contains(&config), "docs/scaling.md lacks:\n{config}");
    }
}
