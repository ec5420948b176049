//! Unix sockets, and the files that they leave behind.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{UnixListener, UnixSocket};

/// The file of a socket; it is removed with this.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

/// Listens at `path`, in the place of a socket that nobody listens at any more.
pub(super) fn listen(path: &Path, backlog: u32) -> io::Result<(UnixListener, SocketFile)> {
    let bind = || -> io::Result<UnixListener> {
        let socket = UnixSocket::new_stream()?;
        socket.bind(path)?;
        socket.listen(backlog)
    };
    let listener = match bind() {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            remove_stale(path)?;
            bind()?
        }
        bound => bound?,
    };
    Ok((listener, SocketFile { path: path.to_owned(), identity: identity(path)? }))
}

/// Removes the file of a socket that nobody listens at.
///
/// It is moved aside and asked once more: of two servers that start at once, the second one may have found the new file
/// of the first one, and puts that back.
fn remove_stale(path: &Path) -> io::Result<()> {
    if is_alive(path)? {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}.stale", std::process::id()));
    match fs::rename(path, &aside) {
        // Somebody else has removed it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        renamed => renamed?,
    }
    if is_alive(Path::new(&aside))? {
        fs::rename(&aside, path)?;
        return Err(io::ErrorKind::AddrInUse.into());
    }
    fs::remove_file(aside)
}

/// Whether somebody listens there. What is no socket is nobody's to remove.
fn is_alive(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(file) if !file.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file that is no socket"));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // One whose queue is full is alive, too, and would let us wait.
    socket.set_nonblocking(true)?;
    match socket.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        // Full, or not ours to use: somebody is there.
        _ => Ok(true),
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Whoever has replaced it meanwhile keeps theirs.
        if identity(&self.path).is_ok_and(|found| found == self.identity)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::debug!(path = %self.path.display(), %error, "cannot remove the file of a socket");
        }
    }
}
