//! The socket of the control: created for its user alone, never in the place of something else, deleted at the end.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, fchmod};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};
use tokio::net::UnixListener;

/// Most connections that wait to be accepted.
const BACKLOG: i32 = 16;

/// A socket that this process listens on.
pub(crate) struct ControlSocket {
    pub(crate) listener: UnixListener,
    pub(crate) file: SocketFile,
}

/// The socket's file. It is deleted when this is dropped, unless another one has taken its place.
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

impl ControlSocket {
    /// Listens on this path, with mode 0600. A socket there that no process listens on any more is replaced; it is left over
    /// from a server that was killed. Must be called on a runtime.
    ///
    /// # Errors
    /// Another server listens there, something else is there, or the system refuses.
    pub(crate) fn listen(path: &Path) -> Result<Self, String> {
        let failed = |cause: String| format!("control socket {}: {cause}", path.display());
        remove_left_over(path).map_err(failed)?;
        let listener = listen_on(path).map_err(|error| {
            failed(format!("{error}; check that its directory exists and that this user may write it"))
        })?;
        let identity = identity(path).map_err(|error| failed(error.to_string()))?;
        Ok(Self { listener, file: SocketFile { path: path.to_owned(), identity } })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

fn listen_on(path: &Path) -> io::Result<UnixListener> {
    let address = SocketAddrUnix::new(path)?;
    let socket = new_socket()?;
    // Before it has a name, so that there is no moment in which others could connect.
    fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    bind(&socket, &address)?;
    listen(&socket, BACKLOG)?;
    UnixListener::from_std(StdUnixListener::from(socket))
}

fn new_socket() -> Result<std::os::fd::OwnedFd, Errno> {
    socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)
}

/// Deletes a socket that a server of this user has left over. Whatever else is at the path stays.
fn remove_left_over(path: &Path) -> Result<(), String> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found.map_err(|error| error.to_string())?,
    };
    if !metadata.file_type().is_socket() {
        return Err(
            "there is something else than a socket; delete it, or set `control` to another path".to_owned()
        );
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err("the socket there belongs to another user; set `control` to another path".to_owned());
    }
    let probe = new_socket().map_err(|error| error.to_string())?;
    let address = SocketAddrUnix::new(path).map_err(|error| error.to_string())?;
    match connect(&probe, &address) {
        Err(Errno::CONNREFUSED) => fs::remove_file(path).map_err(|error| error.to_string()),
        // The server there is alive also if it has too many connections waiting.
        Ok(()) | Err(Errno::AGAIN) => {
            Err("another server listens there; stop it, or set `control` to another path".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}
