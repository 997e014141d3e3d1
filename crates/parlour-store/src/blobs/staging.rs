//! The folder of files on their way in.

use super::blocking;
use parlour_core::{
    Error,
    ports::{Lanes, Random, Staged},
};
use std::{
    collections::HashSet,
    fs::{self, DirBuilder, File},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// A folder for staged files, readable by nobody else.
pub(super) struct Staging {
    folder: PathBuf,
    random: Arc<dyn Random>,
    lanes: Arc<Lanes>,
}

impl Staging {
    /// Makes the folder where it is missing.
    pub(super) async fn open(
        folder: PathBuf,
        random: Arc<dyn Random>,
        lanes: io::Result<Lanes>,
    ) -> Result<Self, Error> {
        let made = folder.clone();
        blocking(move || make_folder(&made)).await?;
        Ok(Self {
            folder,
            random,
            lanes: Arc::new(lanes.map_err(Error::unavailable)?),
        })
    }

    pub(super) fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// A name that nobody guesses.
    fn name(&self) -> String {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        format!("{:032x}", u128::from_be_bytes(bytes))
    }

    pub(super) async fn stage(&self) -> Result<Staged, Error> {
        let (folder, name) = (self.folder.clone(), self.name());
        let lanes = Arc::clone(&self.lanes);
        blocking(move || Staged::create(&folder, name, &lanes)).await
    }

    pub(super) async fn restage(&self, name: &str) -> Result<Option<Staged>, Error> {
        if !is_name(name) {
            return Ok(None);
        }
        let (folder, name) = (self.folder.clone(), name.to_owned());
        let lanes = Arc::clone(&self.lanes);
        blocking(move || or_gone(Staged::reopen(&folder, name, &lanes))).await
    }

    /// Syncs a staged file and its name.
    pub(super) async fn size(&self, name: &str) -> Result<Option<u64>, Error> {
        if !is_name(name) {
            return Ok(None);
        }
        let (folder, path) = (self.folder.clone(), self.folder.join(name));
        let turn = self.lanes.sync().await;
        blocking(move || {
            let _turn = turn;
            let Some(file) = or_gone(File::open(path))? else {
                return Ok(None);
            };
            // First the size: what is written meanwhile may not be on the disk.
            let size = file.metadata()?.len();
            file.sync_all()?;
            File::open(folder)?.sync_all()?;
            Ok(Some(size))
        })
        .await
    }

    pub(super) async fn remove(&self, name: &str) -> Result<(), Error> {
        if !is_name(name) {
            return Ok(());
        }
        let path = self.folder.join(name);
        blocking(move || or_gone(fs::remove_file(path)).map(drop)).await
    }

    pub(super) async fn sweep(&self, age: Duration, in_use: &[String]) -> Result<u64, Error> {
        let (folder, in_use) = (self.folder.clone(), in_use.to_vec());
        blocking(move || sweep(&folder, age, &in_use)).await
    }

    /// Writes a small file to the disk and removes it.
    pub(super) async fn probe(&self) -> Result<(), Error> {
        let path = self.folder.join(self.name());
        blocking(move || {
            let written = File::create_new(&path).and_then(|mut file| {
                file.write_all(b"probe")?;
                file.sync_all()
            });
            let removed = or_gone(fs::remove_file(&path));
            written.and(removed).map(drop)
        })
        .await
    }

    /// Bytes that the disk of this folder takes from us.
    pub(super) async fn free(&self) -> Result<u64, Error> {
        let folder = self.folder.clone();
        blocking(move || {
            let disk = rustix::fs::statvfs(&folder)?;
            Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
        })
        .await
    }
}

/// Whether it may be the name of a staged file. Another one must not lead out of the folder.
fn is_name(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Makes a folder and those above it, readable by nobody else. Those that are there stay as they are.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// `None` for what is not there.
pub(super) fn or_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn sweep(folder: &Path, age: Duration, in_use: &[String]) -> io::Result<u64> {
    let in_use: HashSet<&str> = in_use.iter().map(String::as_str).collect();
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        // A file that is being rewritten has its name in front of another ending.
        let name = name.to_string_lossy();
        let stem = name.split('.').next().unwrap_or_default();
        let Some(data) = or_gone(entry.metadata())? else {
            continue;
        };
        // A clock that went back makes files of the future: they are young.
        let idle = data.modified()?.elapsed().unwrap_or_default();
        if data.is_file()
            && idle >= age
            && !in_use.contains(stem)
            && or_gone(fs::remove_file(entry.path()))?.is_some()
        {
            removed += 1;
        }
    }
    Ok(removed)
}
