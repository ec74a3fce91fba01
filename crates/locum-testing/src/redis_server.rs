//! A Redis server of the test's own, on a Unix socket in a folder of the test.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the server may take to start.
const START_LIMIT: Duration = Duration::from_secs(20);

/// A server that stops with the test.
pub struct RedisServer {
    folder: PathBuf,
    process: Child,
}

impl RedisServer {
    /// A new server without data, whose socket is in this folder; `None`, and a line that says so, where the program is not
    /// installed.
    pub fn start(folder: &Path) -> Option<Self> {
        match spawn(folder) {
            Ok(process) => {
                let server = Self { folder: folder.to_owned(), process };
                server.wait();
                Some(server)
            }
            Err(error) => {
                let not_run = format!("NOT RUN: rate buckets in Redis (redis-server: {error})\n");
                std::io::stderr().write_all(not_run.as_bytes()).unwrap();
                None
            }
        }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Ends it, with all its data, and starts it anew.
    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    /// Starts it after [`Self::stop`], without data.
    pub fn start_again(&mut self) {
        self.process = spawn(&self.folder).unwrap();
        self.wait();
    }

    /// Ends it, with all its data.
    pub fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// The answer to a command without arguments that need quoting.
    pub fn ask(&self, command: &str) -> String {
        let mut stream = UnixStream::connect(self.socket()).unwrap();
        stream.write_all(format!("{command}\r\n").as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Sends it a signal: `-STOP` lets it stand still, and `-CONT` go on.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("redis.sock")
    }

    fn wait(&self) {
        let start = Instant::now();
        while UnixStream::connect(self.socket()).is_err() {
            assert!(start.elapsed() < START_LIMIT, "redis-server does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(folder: &Path) -> std::io::Result<Child> {
    let _ = std::fs::remove_file(folder.join("redis.sock"));
    Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--unixsocket"])
        .arg(folder.join("redis.sock"))
        .arg("--dir")
        .arg(folder)
        .stdout(Stdio::null())
        .spawn()
}
