//! A PostgreSQL server of the test's own, on a Unix socket in a folder of the test.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the server may take to start, and to stop.
const LIMIT: Duration = Duration::from_secs(20);

/// Where Debian has the programs of each version.
const INSTALLED: &str = "/usr/lib/postgresql";

/// The superuser, without a password.
const USER: &str = "locum";

/// A server that stops with the test.
pub struct PostgresServer {
    folder: PathBuf,
    programs: PathBuf,
    process: Child,
}

impl PostgresServer {
    /// A new server with an empty database `postgres`, whose data and socket are in this folder; `None`, and a line that says so,
    /// where it is not installed. The folder's path must be short: that of a socket has 107 bytes at most.
    pub fn start(folder: &Path) -> Option<Self> {
        let Some(programs) = programs() else {
            let not_run = format!("NOT RUN: PostgreSQL (no server in {INSTALLED})\n");
            std::io::stderr().write_all(not_run.as_bytes()).unwrap();
            return None;
        };
        give_to_server(folder);
        let made = as_server(&programs.join("initdb"))
            .arg("--pgdata")
            .arg(folder.join("data"))
            .args(["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"])
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let process = spawn(&programs, folder);
        let server = Self { folder: folder.to_owned(), programs, process };
        server.wait_until_ready();
        Some(server)
    }

    /// The URL of the database `postgres`.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The URL of a database.
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user={USER}", self.folder.display())
    }

    /// Runs statements in the database `postgres`, and returns what they answer, as `psql` prints it without decoration.
    pub fn ask(&self, statements: &str) -> String {
        let output = Command::new(self.programs.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--dbname", &self.url()])
            .args(["--set", "ON_ERROR_STOP=1", "--command", statements])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Stops it, which closes its connections, and starts it again with its data.
    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    /// Stops it, which closes its connections.
    pub fn stop(&mut self) {
        self.end("-INT");
    }

    /// Starts it after [`Self::stop`], with its data.
    pub fn start_again(&mut self) {
        self.process = spawn(&self.programs, &self.folder);
        self.wait_until_ready();
    }

    /// Sends a signal to it and to the process of each connection: `-STOP` lets them stand still, and `-CONT` go on.
    pub fn signal(&self, signal: &str) {
        let server = self.process.id();
        let children =
            fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap_or_default();
        for process in children.split_whitespace().chain([server.to_string().as_str()]) {
            // One of a connection may have ended meanwhile.
            let _ = Command::new("kill").args([signal, process]).stderr(Stdio::null()).status();
        }
    }

    fn end(&mut self, signal: &str) {
        let _ = Command::new("kill")
            .args([signal, &self.process.id().to_string()])
            .stderr(Stdio::null())
            .status();
        let start = Instant::now();
        while self.process.try_wait().unwrap().is_none() {
            if start.elapsed() > LIMIT {
                self.process.kill().unwrap();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn wait_until_ready(&self) {
        let start = Instant::now();
        let is_ready = || {
            let asked = Command::new(self.programs.join("pg_isready"))
                .arg("--quiet")
                .arg("--host")
                .arg(&self.folder)
                .status();
            asked.unwrap().success()
        };
        while !is_ready() {
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(start.elapsed() < LIMIT, "PostgreSQL does not start: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.signal("-CONT");
        // At once, without writing anything that the next start would need.
        self.end("-QUIT");
    }
}

/// The programs of the latest version that is installed.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir(INSTALLED).ok()?;
    let version = |path: &PathBuf| path.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    versions
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|programs| programs.join("initdb").exists())
        .max_by_key(version)
}

fn spawn(programs: &Path, folder: &Path) -> Child {
    let log = fs::File::create(folder.join("log")).unwrap();
    as_server(&programs.join("postgres"))
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-k")
        .arg(folder)
        .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// The server refuses to run as root.
fn as_server(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command
}

fn give_to_server(folder: &Path) {
    if !is_root() {
        return;
    }
    let id = |which| {
        let id = Command::new("id").args([which, "postgres"]).output().unwrap();
        String::from_utf8(id.stdout).unwrap().trim().parse::<u32>().unwrap()
    };
    chown(folder, Some(id("-u")), Some(id("-g"))).unwrap();
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}
