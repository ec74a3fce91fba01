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
        let servers =
            nodes.into_iter().enumerate().map(|(index, node)| format!("  server node{} {node}", index + 1));
        let socket = folder.join("haproxy.sock");
        let config = CONFIG
            .replace("@SOCKET@", &socket.to_string_lossy())
            .replace("@FRONT@", &address.to_string())
            .replace("@NODES@", &servers.collect::<Vec<_>>().join("\n"));
        let file = folder.join("haproxy.cfg");
        fs::write(&file, config)?;
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

impl Drop for Proxy {
    fn drop(&mut self) {
        // Both fail only if it has already stopped.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
