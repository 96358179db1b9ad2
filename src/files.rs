//! Reads regular files, and nothing else that a path may name.
//!
//! Opening a FIFO blocks until somebody writes to it, reading a device may never end, and anyone
//! who can write to a directory can put either in place of the expected file. Reading a regular
//! file takes no longer than its file system does.

use std::fs::{self, FileType, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Reads the regular file at `path`, following links.
///
/// # Errors
/// The error of the system; [`ErrorKind::FileTooLarge`] if the file holds more than `most` bytes,
/// of which no more are read; or another error if it is not a regular file, in which case it is not
/// opened.
pub fn read_regular(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // Opening a device may have side effects. Since the path may be replaced in between, it is
    // opened without blocking and checked again afterwards.
    regular(fs::metadata(path)?.file_type())?;
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    regular(file.metadata()?.file_type())?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let why = format!("it holds more than {most} bytes");
        return Err(io::Error::new(ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

fn regular(found: FileType) -> io::Result<()> {
    let what = match found {
        found if found.is_file() => return Ok(()),
        found if found.is_dir() => "a directory",
        found if found.is_fifo() => "a FIFO",
        found if found.is_socket() => "a socket",
        _ => "a device",
    };
    Err(io::Error::other(format!("it is {what} and not a regular file")))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use tempfile::TempDir;

    use super::read_regular;

    #[test]
    fn only_a_regular_file_is_read() {
        let directory = TempDir::new().unwrap();
        let path = |name: &str| directory.path().join(name);
        mknodat(CWD, path("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        symlink(path("fifo"), path("link")).unwrap();
        let _socket = UnixListener::bind(path("socket")).unwrap();
        let rows = [
            (path("fifo"), "it is a FIFO and not a regular file"),
            (path("link"), "it is a FIFO and not a regular file"),
            (path("socket"), "it is a socket and not a regular file"),
            (path("."), "it is a directory and not a regular file"),
            (Path::new("/dev/zero").to_owned(), "it is a device and not a regular file"),
        ];
        for (path, said) in rows {
            assert_eq!(read_regular(&path, 9).unwrap_err().to_string(), said, "{}", path.display());
        }
        fs::write(path("file"), "content").unwrap();
        symlink(path("file"), path("good")).unwrap();
        assert_eq!(read_regular(&path("good"), 7).unwrap(), b"content");
        assert_eq!(read_regular(&path("nothing"), 7).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn no_more_is_read_than_was_asked_for() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("sparse");
        // Larger than any memory, and sparse, so that it takes no space on the disk.
        fs::File::create(&path).unwrap().set_len(1 << 43).unwrap();
        let error = read_regular(&path, 6).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge, "{error}");
    }
}
