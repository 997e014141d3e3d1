//! Files in a folder of the local disk.
//!
//! A file is written under another name, synced, renamed, and its folder synced: what is under a key
//! is whole, and survives a power cut.

use super::{
    blocking, of_disk,
    staging::{Staging, make_folder, or_gone, synced},
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use parlour_core::{
    Error,
    ports::{BlobEntry, BlobKey, BlobStream, Blobs, Lanes, Random, Staged},
};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, ErrorKind, Read as _, Seek as _, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Staged files lie on the same disk as the kept ones, so that renaming is atomic.
const STAGING: &str = ".staging";
/// Bytes that are read at once: large enough that the way to another thread costs little beside it.
const PIECE: u64 = 512 * 1024;

pub(super) struct Disk {
    root: PathBuf,
    staging: Staging,
}

impl Disk {
    pub(super) async fn open(
        root: PathBuf,
        random: Arc<dyn Random>,
        prepare: fn(),
    ) -> Result<Self, Error> {
        let made = root.clone();
        let opened = async {
            blocking(move || make_folder(&made)).await?;
            Staging::open(root.join(STAGING), random, Lanes::of_disk(prepare)).await
        };
        let staging = opened.await.map_err(|error| {
            let text = format!("the folder for files, {}, cannot be used", root.display());
            error.saying(text)
        })?;
        Ok(Self { root, staging })
    }

    fn path(&self, key: &BlobKey) -> PathBuf {
        // A key is made or checked by BlobKey: two plain parts.
        self.root.join(key.as_str())
    }
}

#[async_trait]
impl Blobs for Disk {
    async fn stage(&self) -> Result<Staged, Error> {
        self.staging.stage().await
    }

    async fn restage(&self, name: &str) -> Result<Option<Staged>, Error> {
        self.staging.restage(name).await
    }

    async fn staged_size(&self, name: &str) -> Result<Option<u64>, Error> {
        self.staging.size(name).await
    }

    async fn unstage(&self, name: &str) -> Result<(), Error> {
        self.staging.remove(name).await
    }

    async fn keep(&self, key: &BlobKey, mut staged: Staged, _: &str) -> Result<(), Error> {
        staged.finish().await?;
        let (root, to) = (self.root.clone(), self.path(key));
        let turn = self.staging.lanes().sync().await?;
        // From here on it is done, or undone, also when the caller goes away.
        blocking(move || {
            let _turn = turn;
            keep(&root, &to, staged)
        })
        .await
    }

    async fn size(&self, key: &BlobKey) -> Result<Option<u64>, Error> {
        let path = self.path(key);
        let data = blocking(move || or_gone(fs::metadata(path))).await?;
        Ok(data.map(|data| data.len()))
    }

    async fn read(&self, key: &BlobKey, range: Range<u64>) -> Result<Option<BlobStream>, Error> {
        let path = self.path(key);
        let start = range.start;
        let opened = blocking(move || {
            let Some(mut file) = or_gone(File::open(path))? else {
                return Ok(None);
            };
            if start > 0 {
                file.seek(SeekFrom::Start(start))?;
            }
            Ok(Some(file))
        });
        let left = range.end.saturating_sub(range.start);
        Ok(opened.await?.map(|file| pieces(file, left)))
    }

    async fn direct(
        &self,
        _: &BlobKey,
        _: &str,
        _: &str,
        _: Duration,
    ) -> Result<Option<String>, Error> {
        Ok(None)
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), Error> {
        let path = self.path(key);
        blocking(move || or_gone(fs::remove_file(path)).map(drop)).await
    }

    async fn settle_deleted(&self) -> Result<(), Error> {
        let root = self.root.clone();
        blocking(move || {
            for class in classes(&root)? {
                // A class of which the last blob went may be removed by hand.
                if let Some(folder) = or_gone(File::open(root.join(class)))? {
                    folder.sync_all()?;
                }
            }
            Ok(())
        })
        .await
    }

    async fn list(&self, after: Option<&BlobKey>, most: usize) -> Result<Vec<BlobEntry>, Error> {
        let (root, after) = (self.root.clone(), after.cloned());
        blocking(move || list(&root, after.as_ref(), most)).await
    }

    async fn sweep_staged(&self, age: Duration, in_use: &[String]) -> Result<u64, Error> {
        self.staging.sweep(age, in_use).await
    }

    async fn free(&self) -> Result<Option<u64>, Error> {
        self.staging.free().await.map(Some)
    }

    async fn probe(&self) -> Result<(), Error> {
        self.staging.probe().await
    }
}

fn keep(root: &Path, to: &Path, staged: Staged) -> io::Result<()> {
    // While it is ours to drop, a failure removes it.
    let file = File::options().write(true).open(staged.path())?;
    // It may be old, and nobody knows the blob yet: the sweeper must not take it for a leftover.
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_NOW,
    };
    let times = Timestamps {
        last_access: now,
        last_modification: now,
    };
    futimens(&file, &times)?;
    synced(&file, staged.path())?;
    let folder = to.parent().unwrap_or(root);
    if !folder.is_dir() {
        make_folder(folder)?;
        File::open(root)?.sync_all()?;
    }
    let from = staged.path().to_path_buf();
    // Who knows its name may need it again, when the blob cannot be noted.
    if staged.is_ours() || fs::hard_link(&from, to).is_err() {
        fs::rename(&from, to)?;
    }
    // Nothing is there any more that dropping could remove.
    drop(staged);
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    if synced.is_err() {
        // After an error nothing is under the key.
        let _ = fs::remove_file(to);
    }
    synced
}

/// The next bytes of a file as a stream; a file that is shorter than it was said to be is an error.
fn pieces(file: File, left: u64) -> BlobStream {
    Box::pin(stream::try_unfold(
        (file, left),
        |(mut file, left)| async move {
            if left == 0 {
                return Ok(None);
            }
            let wanted = left.min(PIECE);
            let read = blocking(move || {
                let mut piece = Vec::with_capacity(wanted as usize);
                (&mut file).take(wanted).read_to_end(&mut piece)?;
                Ok((file, piece))
            });
            let (file, piece) = read.await?;
            if (piece.len() as u64) < wanted {
                return Err(of_disk(ErrorKind::UnexpectedEof.into()));
            }
            Ok(Some((Bytes::from(piece), (file, left - wanted))))
        },
    ))
}

fn list(root: &Path, after: Option<&BlobKey>, most: usize) -> io::Result<Vec<BlobEntry>> {
    let first = after.map(|key| {
        key.as_str()
            .split('/')
            .next()
            .unwrap_or_default()
            .to_owned()
    });
    let classes = classes(root)?
        .into_iter()
        .filter(|name| first.as_ref().is_none_or(|first| name >= first));
    let mut found = Vec::new();
    for class in classes {
        for key in keys(root, &class, after, most - found.len())? {
            let Some(data) = or_gone(fs::metadata(root.join(key.as_str())))? else {
                continue;
            };
            found.push(BlobEntry {
                size: data.len(),
                // A clock that went back makes files of the future: they are young.
                age: data.modified()?.elapsed().unwrap_or_default(),
                key,
            });
        }
        if found.len() >= most {
            break;
        }
    }
    Ok(found)
}

/// The folders of the storage, in order.
fn classes(root: &Path) -> io::Result<BTreeSet<String>> {
    let mut classes = BTreeSet::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string()
            && entry.file_type()?.is_dir()
        {
            classes.insert(name);
        }
    }
    Ok(classes)
}

/// The first keys of a class; never more in memory than are wanted.
fn keys(
    root: &Path,
    class: &str,
    after: Option<&BlobKey>,
    most: usize,
) -> io::Result<BTreeSet<BlobKey>> {
    let mut keys = BTreeSet::new();
    let Some(entries) = or_gone(fs::read_dir(root.join(class)))? else {
        return Ok(keys);
    };
    for entry in entries {
        let name = entry?.file_name();
        let key = name
            .to_str()
            .and_then(|name| BlobKey::parse(&format!("{class}/{name}")));
        if let Some(key) = key.filter(|key| after.is_none_or(|after| key > after)) {
            keys.insert(key);
            if keys.len() > most {
                keys.pop_last();
            }
        }
    }
    Ok(keys)
}
