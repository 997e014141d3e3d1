//! Where files and their thumbnails are kept: the implementations of
//! [`Blobs`](parlour_core::ports::Blobs).

mod copy;
mod disk;
mod s3;
mod staging;

pub use copy::{Compared, Moved, Stock, compare_blobs, copy_blobs};
use parlour_core::{
    Error,
    error::STORAGE_FULL,
    ports::{Blobs, Random, SystemRandom},
};
use std::{
    ffi::OsString,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::task::spawn_blocking;

/// What a storage is opened with.
pub struct Opening<'a> {
    /// `file:///folder`, or `s3://bucket/prefix`.
    pub url: &'a str,
    /// Where files are staged on their way to S3.
    pub data_dir: &'a Path,
    /// For the names of staged files.
    pub random: Arc<dyn Random>,
    /// What the thread that writes uploads does first, such as giving way to the threads that carry
    /// messages.
    pub prepare: fn(),
    /// The variables of the environment; those that begin with `AWS_` are for S3.
    pub variables: Vec<(String, String)>,
}

/// Opens the storage that a URL names: `file:///folder`, or `s3://bucket/prefix` with the usual AWS
/// variables of the environment. `data_dir` is where files are staged on their way to S3; `prepare` as in
/// [`Opening`].
///
/// # Errors
/// Those of [`open_blobs_with`].
pub async fn open_blobs(
    url: &str,
    data_dir: &Path,
    prepare: fn(),
) -> Result<Arc<dyn Blobs>, Error> {
    let utf8 = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    open_blobs_with(Opening {
        url,
        data_dir,
        random: Arc::new(SystemRandom),
        prepare,
        variables: std::env::vars_os().filter_map(utf8).collect(),
    })
    .await
}

/// [`open_blobs`] with everything from outside passed in.
///
/// Folders are made where they are missing; whether S3 answers is seen by [`Blobs::probe`].
///
/// # Errors
/// A sentence that says what is wrong with the URL, the folder or the variables.
pub async fn open_blobs_with(opening: Opening<'_>) -> Result<Arc<dyn Blobs>, Error> {
    let Opening {
        url,
        data_dir,
        random,
        prepare,
        variables,
    } = opening;
    if let Some(place) = url.strip_prefix("s3://") {
        return Ok(Arc::new(
            s3::S3::open(place, (data_dir, random, prepare), &variables).await?,
        ));
    }
    let Some(folder) = url
        .strip_prefix("file://")
        .filter(|folder| !folder.is_empty())
    else {
        let text =
            "the URL of the storage begins with file:// or s3:// and names a folder or bucket";
        return Err(Error::internal(text).saying(text));
    };
    Ok(Arc::new(
        disk::Disk::open(PathBuf::from(folder), random, prepare).await?,
    ))
}

/// Runs what waits for a disk beside the async runtime.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    match spawn_blocking(work).await {
        Ok(done) => done.map_err(of_disk),
        Err(stopped) => Err(Error::internal(stopped)),
    }
}

fn of_disk(error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::caused(STORAGE_FULL, error),
        _ => Error::unavailable(error),
    }
}
