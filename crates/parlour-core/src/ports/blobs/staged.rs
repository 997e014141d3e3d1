//! A file on its way in.

use crate::{Error, error::STORAGE_FULL};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    mem,
    path::{Path, PathBuf},
};
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes that are gathered before they are written: one of these is filled while another is written,
/// so an upload holds at most two of them.
const PIECE: usize = 256 * 1024;

/// A local file that is being received. It is removed when this is dropped, unless it was
/// [left](Self::leave) or [taken](Self::take).
///
/// Writing happens beside the async runtime, one piece at a time, while the next one is received.
pub struct Staged {
    name: String,
    path: PathBuf,
    size: u64,
    gathered: Vec<u8>,
    sink: Option<Sink>,
    writing: Option<JoinHandle<io::Result<Sink>>>,
    /// Whether dropping removes it.
    ours: bool,
}

/// The open file, what was hashed of it, and a buffer to be used again.
struct Sink {
    file: File,
    hash: Sha256,
    spare: Vec<u8>,
}

impl Staged {
    /// Makes an empty file of this name in the folder, for us alone. Blocks for a moment.
    ///
    /// # Errors
    /// What the disk says; a file of this name must not be there.
    pub fn create(folder: &Path, name: String) -> io::Result<Self> {
        let path = folder.join(&name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let file = options.open(&path)?;
        Ok(Self::of(name, path, 0, Sink::new(file, Sha256::new())))
    }

    /// Opens a file that was [left](Self::leave), to append to it. Blocks while it is read once, for
    /// its hash.
    ///
    /// # Errors
    /// What the disk says; `NotFound` when it is gone.
    pub fn reopen(folder: &Path, name: String) -> io::Result<Self> {
        let path = folder.join(&name);
        let (hash, size) = hash_of(&path)?;
        let file = OpenOptions::new().append(true).open(&path)?;
        Ok(Self::of(name, path, size, Sink::new(file, hash)))
    }

    fn of(name: String, path: PathBuf, size: u64, sink: Sink) -> Self {
        Self {
            name,
            path,
            size,
            gathered: Vec::new(),
            sink: Some(sink),
            writing: None,
            ours: true,
        }
    }

    /// Its name within the staging folder.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes received so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds bytes at its end. They are on the disk at the latest after [`Self::finish`].
    ///
    /// # Errors
    /// [`STORAGE_FULL`] when the disk is full, else unavailable. After an error the file is of no use.
    pub async fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.size += bytes.len() as u64;
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= PIECE {
            self.write().await?;
        }
        Ok(())
    }

    /// As [`Self::append`], for bytes that are shared.
    ///
    /// # Errors
    /// Those of [`Self::append`].
    pub async fn append_bytes(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.append(&bytes).await
    }

    /// Writes what was gathered and answers the SHA-256 of all bytes so far. More may be appended
    /// afterwards. It is not yet synced to the disk: `Blobs::keep` does that.
    ///
    /// # Errors
    /// Those of [`Self::append`].
    pub async fn finish(&mut self) -> Result<[u8; 32], Error> {
        self.write().await?;
        let sink = self.settled().await?;
        let hash = sink.hash.clone().finalize().into();
        self.sink = Some(sink);
        Ok(hash)
    }

    /// From now on dropping it leaves the file where it is: somebody else knows its name.
    pub fn outlive(&mut self) {
        self.ours = false;
    }

    /// Writes what was gathered and cuts the file to its first bytes.
    ///
    /// # Errors
    /// Those of [`Self::append`].
    pub async fn cut(&mut self, size: u64) -> Result<(), Error> {
        self.write().await?;
        let mut sink = self.settled().await?;
        let path = self.path.clone();
        let cut = spawn_blocking(move || {
            sink.file.set_len(size)?;
            sink.hash = hash_of(&path)?.0;
            Ok(sink)
        });
        let sink = match cut.await {
            Ok(cut) => cut.map_err(of_disk)?,
            Err(stopped) => return Err(Error::internal(stopped)),
        };
        self.sink = Some(sink);
        self.size = size;
        Ok(())
    }

    /// Notes that somebody rewrote the file at [`Self::path`], which has this many bytes now.
    pub fn rewritten(&mut self, size: u64) {
        self.size = size;
    }

    /// Leaves the file where it is, to be [opened again](Self::reopen) by its name.
    ///
    /// # Errors
    /// Those of [`Self::append`]; the file is left also then.
    pub async fn leave(mut self) -> Result<String, Error> {
        self.ours = false;
        self.write().await?;
        self.settled().await?;
        Ok(self.name.clone())
    }

    /// Its path, for a storage that makes it its own: from now on the caller removes or renames it.
    /// Everything was written before by [`Self::finish`].
    #[must_use]
    pub fn take(mut self) -> PathBuf {
        self.ours = false;
        self.path.clone()
    }

    /// Starts to write what was gathered, when the piece before is written.
    async fn write(&mut self) -> Result<(), Error> {
        let mut sink = self.settled().await?;
        let next = mem::take(&mut sink.spare);
        let piece = mem::replace(&mut self.gathered, next);
        self.writing = Some(spawn_blocking(move || sink.write(piece)));
        Ok(())
    }

    /// The file, when the piece under way is written.
    async fn settled(&mut self) -> Result<Sink, Error> {
        if let Some(writing) = &mut self.writing {
            let done = writing.await;
            self.writing = None;
            return match done {
                Ok(Ok(sink)) => Ok(sink),
                Ok(Err(error)) => Err(of_disk(error)),
                Err(stopped) => Err(Error::internal(stopped)),
            };
        }
        self.sink
            .take()
            .ok_or_else(|| Error::unavailable("this staged file failed before"))
    }
}

impl Sink {
    fn new(file: File, hash: Sha256) -> Self {
        Self {
            file,
            hash,
            spare: Vec::new(),
        }
    }

    fn write(mut self, mut piece: Vec<u8>) -> io::Result<Self> {
        self.file.write_all(&piece)?;
        self.hash.update(&piece);
        piece.clear();
        self.spare = piece;
        Ok(self)
    }
}

/// The hash of a file so far, and its size.
fn hash_of(path: &Path) -> io::Result<(Sha256, u64)> {
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut file = File::open(path)?;
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok((hash, size)),
            read => {
                hash.update(&piece[..read]);
                size += read as u64;
            }
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.ours {
            // What cannot be removed now is swept later.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staged")
            .field("name", &self.name)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// What a failing disk means to the sender of a file.
fn of_disk(error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::caused(STORAGE_FULL, error),
        _ => Error::unavailable(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    #[tokio::test]
    async fn all_pieces_arrive_and_the_hash_is_theirs() {
        let folder = folder();
        let mut staged = Staged::create(folder.path(), "a".into()).expect("a file");
        let mut whole = Vec::new();
        for length in [0, 1, PIECE - 1, PIECE, 3 * PIECE + 7, 5] {
            let bytes: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            staged.append(&bytes).await.expect("appended");
            whole.extend(bytes);
        }
        let hash = staged.finish().await.expect("finished");
        assert_eq!(hash, <[u8; 32]>::from(Sha256::digest(&whole)));
        assert_eq!(staged.size(), whole.len() as u64);
        assert!(fs::read(staged.path()).expect("readable") == whole);
    }

    #[tokio::test]
    async fn a_file_that_was_left_goes_on_with_its_hash() {
        let folder = folder();
        let mut staged = Staged::create(folder.path(), "a".into()).expect("a file");
        staged.append(b"one ").await.expect("appended");
        let name = staged.leave().await.expect("left");
        let mut again = Staged::reopen(folder.path(), name.clone()).expect("still there");
        assert_eq!(again.size(), 4);
        again.append(b"wrong").await.expect("appended");
        again.cut(4).await.expect("cut");
        again.outlive();
        drop(again);
        let mut again = Staged::reopen(folder.path(), name).expect("still there");
        again.append(b"no").await.expect("appended");
        again.cut(4).await.expect("cut");
        again.append(b"two").await.expect("appended");
        let hash = again.finish().await.expect("finished");
        assert_eq!(hash, <[u8; 32]>::from(Sha256::digest(b"one two")));
        assert_eq!(fs::read(again.path()).expect("readable"), b"one two");
    }

    #[tokio::test]
    async fn what_nobody_takes_is_removed() {
        let folder = folder();
        let staged = Staged::create(folder.path(), "a".into()).expect("a file");
        drop(staged);
        let mut kept = Staged::create(folder.path(), "b".into()).expect("a file");
        kept.append(b"x").await.expect("appended");
        kept.finish().await.expect("finished");
        let path = kept.take();
        let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
        assert_eq!(left.len(), 1);
        assert!(path.ends_with("b"));
        assert!(Staged::create(folder.path(), "b".into()).is_err(), "taken");
    }

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        let full = of_disk(io::Error::from(ErrorKind::StorageFull));
        assert!(full.is(STORAGE_FULL));
        let broken = of_disk(io::Error::from(ErrorKind::PermissionDenied));
        assert_eq!(broken.kind(), crate::Kind::Unavailable);
    }
}
