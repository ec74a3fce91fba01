//! PostgreSQL servers of the tests' own, on Unix sockets in temporary folders: one for a test that stops it, and one with a
//! database for each test that does not.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long the server may take to start, and to stop.
const LIMIT: Duration = Duration::from_secs(20);

/// Where Debian has the programs of each version.
const INSTALLED: &str = "/usr/lib/postgresql";

/// The superuser, without a password.
const USER: &str = "locum";

/// Nothing has to survive the machine, and many tests use one server.
const SETTINGS: &str = "listen_addresses = ''\nfsync = off\nshared_buffers = 16MB\nmax_connections = 300\n";

/// A server that stops with its last owner.
pub struct PostgresServer {
    folder: TempDir,
    programs: PathBuf,
    process: Child,
    port: u16,
}

impl PostgresServer {
    /// A new server with an empty database `postgres`; `None`, and a line that says so, where it is not installed.
    pub fn start() -> Option<Self> {
        Self::start_with(5432, |_| String::new())
    }

    /// One that also listens on all addresses of the loopback interface, with TLS by this certificate and key, for users with a
    /// password.
    pub fn start_with_tls(certificate: &str, key: &str) -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::start_with(free, |data| {
            fs::write(
                data.join("pg_hba.conf"),
                "local all all trust\nhost all all 127.0.0.0/8 scram-sha-256\n",
            )
            .unwrap();
            fs::write(data.join("server.crt"), certificate).unwrap();
            // It refuses a key that others can read.
            fs::write(data.join("server.key"), key).unwrap();
            fs::set_permissions(data.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
            give_to_server(&data.join("server.key"));
            format!("ssl = on\nlisten_addresses = '*'\nport = {free}\n")
        })
    }

    fn start_with(port: u16, configure: impl FnOnce(&Path) -> String) -> Option<Self> {
        let Some(programs) = programs() else {
            let not_run = format!("NOT RUN: PostgreSQL (no server in {INSTALLED})\n");
            std::io::stderr().write_all(not_run.as_bytes()).unwrap();
            return None;
        };
        let folder = TempDir::new().unwrap();
        give_to_server(folder.path());
        let made = as_server(&programs.join("initdb"))
            .arg("--pgdata")
            .arg(folder.path().join("data"))
            .args(["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"])
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let data = folder.path().join("data");
        let settings = format!("{SETTINGS}{}", configure(&data));
        let mut file = fs::OpenOptions::new().append(true).open(data.join("postgresql.conf")).unwrap();
        file.write_all(settings.as_bytes()).unwrap();
        let process = spawn(&programs, folder.path());
        let server = Self { folder, programs, process, port };
        server.wait_until_ready();
        Some(server)
    }

    /// The URL of the database `postgres`.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The URL of another database.
    pub fn url_of(&self, database: &str) -> String {
        let folder = self.folder.path().display();
        format!("postgres:///{database}?host={folder}&port={}&user={USER}", self.port)
    }

    /// The port of a server with TLS.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs statements in the database `postgres`, and returns what they answer, as `psql` prints it without decoration.
    pub fn ask(&self, statements: &str) -> String {
        self.ask_in("postgres", statements)
    }

    /// All schemas and rows of the database `postgres`, as `pg_dump` writes them.
    pub fn dump(&self) -> String {
        let output =
            Command::new(self.programs.join("pg_dump")).args(["--dbname", &self.url()]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn ask_in(&self, database: &str, statements: &str) -> String {
        let output = self.psql(database).args(["--command", statements]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// A connection of somebody else's, who can keep a transaction open.
    pub fn session(&self) -> PostgresSession {
        let mut process = self.psql("postgres").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        PostgresSession { process, input, output: BufReader::new(output) }
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
        self.process = spawn(&self.programs, self.folder.path());
        self.wait_until_ready();
    }

    /// Sends a signal to it and to the process of each connection: `-STOP` lets them stand still, and `-CONT` go on.
    pub fn signal(&self, signal: &str) {
        for process in self.processes() {
            // One of a connection may have ended meanwhile.
            let _ = Command::new("kill").args([signal, &process]).stderr(Stdio::null()).status();
        }
    }

    /// Lets no file of it grow beyond this number of bytes, or `unlimited`, as if its disk were full. Its log of writes has files
    /// of 16 MiB.
    pub fn limit_files(&self, bytes: &str) {
        let limit = format!("--fsize={bytes}:");
        for process in self.processes() {
            // One of a connection may have ended meanwhile.
            let limited = as_server(Path::new("prlimit")).args(["--pid", &process, &limit]).output().unwrap();
            let said = String::from_utf8_lossy(&limited.stderr);
            assert!(limited.status.success() || process != self.process.id().to_string(), "{said}");
        }
    }

    /// The server, and the process of each connection.
    fn processes(&self) -> Vec<String> {
        let server = self.process.id();
        let children =
            fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap_or_default();
        [server.to_string()].into_iter().chain(children.split_whitespace().map(str::to_owned)).collect()
    }

    fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]);
        psql.args(["--dbname", &self.url_of(database)]);
        psql
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
                .args(["--quiet", "--port", &self.port.to_string()])
                .arg("--host")
                .arg(self.folder.path())
                .status();
            asked.unwrap().success()
        };
        while !is_ready() {
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
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

/// An empty database for a test, in a server that all tests of a program share.
pub struct PostgresDatabase {
    server: Arc<PostgresServer>,
    name: String,
}

impl PostgresDatabase {
    /// A new one; `None`, and a line that says so, where PostgreSQL is not installed.
    pub fn create() -> Option<Self> {
        static SERVER: Mutex<Weak<PostgresServer>> = Mutex::new(Weak::new());
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = {
            let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
            match shared.upgrade() {
                Some(server) => server,
                None => {
                    let server = Arc::new(PostgresServer::start()?);
                    *shared = Arc::downgrade(&server);
                    server
                }
            }
        };
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        server.ask(&format!("CREATE DATABASE {name}"));
        Some(Self { server, name })
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.server.url_of(&self.name)
    }

    /// Runs statements, as [`PostgresServer::ask`] does.
    pub fn ask(&self, statements: &str) -> String {
        self.server.ask_in(&self.name, statements)
    }
}

/// A connection to a [`PostgresServer`].
pub struct PostgresSession {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl PostgresSession {
    /// Runs statements, and returns when they have run.
    pub fn send(&mut self, statements: &str) {
        const END: &str = "the statements have run";
        writeln!(self.input, "{statements}\n\\echo {END}").unwrap();
        let mut line = String::new();
        while line.trim_end() != END {
            line.clear();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "psql has ended");
        }
    }
}

impl Drop for PostgresSession {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
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
