//! A file on its way in.

use super::Lanes;
use crate::{Error, error::STORAGE_FULL};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    mem,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{
    sync::oneshot,
    task::{JoinHandle, spawn_blocking},
};

/// Bytes that are gathered before they are written: one of these is filled while another is written,
/// so an upload holds at most two of them.
const PIECE: usize = 256 * 1024;
/// After so many bytes their way to the disk begins, while the next ones come: less is left to wait for
/// at the end, and nobody else who syncs has to wait for a whole file.
const SYNC_EVERY: u64 = 4 << 20;

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
    writing: Option<oneshot::Receiver<io::Result<Sink>>>,
    lanes: Arc<Lanes>,
    /// Bytes since the last sync began.
    unsynced: u64,
    syncing: Option<JoinHandle<io::Result<()>>>,
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
    pub fn create(folder: &Path, name: String, lanes: &Arc<Lanes>) -> io::Result<Self> {
        let path = folder.join(&name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let file = options.open(&path)?;
        let sink = Sink::new(file, Sha256::new());
        Ok(Self::of((name, path), 0, sink, lanes))
    }

    /// Opens a file that was [left](Self::leave), to append to it. Blocks while it is read once, for
    /// its hash.
    ///
    /// # Errors
    /// What the disk says; `NotFound` when it is gone.
    pub fn reopen(folder: &Path, name: String, lanes: &Arc<Lanes>) -> io::Result<Self> {
        let path = folder.join(&name);
        let (hash, size) = hash_of(&path)?;
        let file = OpenOptions::new().append(true).open(&path)?;
        let sink = Sink::new(file, hash);
        Ok(Self::of((name, path), size, sink, lanes))
    }

    fn of((name, path): (String, PathBuf), size: u64, sink: Sink, lanes: &Arc<Lanes>) -> Self {
        Self {
            name,
            path,
            size,
            gathered: Vec::new(),
            sink: Some(sink),
            writing: None,
            lanes: Arc::clone(lanes),
            unsynced: 0,
            syncing: None,
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
        // A disk that failed says so once, to this file.
        self.synced().await?;
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
        if self.unsynced >= SYNC_EVERY {
            self.sync(&sink).await?;
        }
        let next = mem::take(&mut sink.spare);
        let piece = mem::replace(&mut self.gathered, next);
        self.unsynced += piece.len() as u64;
        self.writing = Some(self.lanes.write(move || sink.write(piece)).await?);
        Ok(())
    }

    /// Begins to bring to the disk what was written, when that of before is there.
    async fn sync(&mut self, sink: &Sink) -> Result<(), Error> {
        self.synced().await?;
        self.unsynced = 0;
        if !self.lanes.syncs() {
            return Ok(());
        }
        let file = sink.file.try_clone().map_err(of_disk)?;
        let lanes = Arc::clone(&self.lanes);
        self.syncing = Some(tokio::spawn(async move {
            let turn = lanes.sync().await;
            let synced = spawn_blocking(move || {
                let synced = file.sync_data();
                drop(turn);
                synced
            });
            synced.await.map_err(io::Error::other)?
        }));
        Ok(())
    }

    /// Waits for the sync under way.
    async fn synced(&mut self) -> Result<(), Error> {
        let Some(syncing) = &mut self.syncing else {
            return Ok(());
        };
        let done = syncing.await;
        self.syncing = None;
        match done {
            Ok(synced) => synced.map_err(of_disk),
            Err(stopped) => Err(Error::internal(stopped)),
        }
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

    fn lanes(kind: fn(fn()) -> io::Result<Lanes>) -> Arc<Lanes> {
        Arc::new(kind(|| {}).expect("a thread"))
    }

    fn create(folder: &tempfile::TempDir, name: &str) -> io::Result<Staged> {
        Staged::create(folder.path(), name.into(), &lanes(Lanes::of_disk))
    }

    fn reopen(folder: &tempfile::TempDir, name: String) -> Staged {
        Staged::reopen(folder.path(), name, &lanes(Lanes::of_passage)).expect("still there")
    }

    #[tokio::test]
    async fn all_pieces_arrive_and_the_hash_is_theirs() {
        let folder = folder();
        let mut staged = create(&folder, "a").expect("a file");
        let mut whole = Vec::new();
        let long = 2 * SYNC_EVERY as usize + 3;
        for length in [0, 1, PIECE - 1, PIECE, 3 * PIECE + 7, long, 5] {
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
        let mut staged = create(&folder, "a").expect("a file");
        staged.append(b"one ").await.expect("appended");
        let name = staged.leave().await.expect("left");
        let mut again = reopen(&folder, name.clone());
        assert_eq!(again.size(), 4);
        again.append(b"wrong").await.expect("appended");
        again.cut(4).await.expect("cut");
        again.outlive();
        drop(again);
        let mut again = reopen(&folder, name);
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
        let staged = create(&folder, "a").expect("a file");
        drop(staged);
        let mut kept = create(&folder, "b").expect("a file");
        kept.append(b"x").await.expect("appended");
        kept.finish().await.expect("finished");
        let path = kept.take();
        let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
        assert_eq!(left.len(), 1);
        assert!(path.ends_with("b"));
        assert!(create(&folder, "b").is_err(), "taken");
    }

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        let full = of_disk(io::Error::from(ErrorKind::StorageFull));
        assert!(full.is(STORAGE_FULL));
        let broken = of_disk(io::Error::from(ErrorKind::PermissionDenied));
        assert_eq!(broken.kind(), crate::Kind::Unavailable);
    }
}
