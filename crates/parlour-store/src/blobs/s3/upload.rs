//! A staged file on its way to the storage.

use super::{PART_PATIENCE, of_s3};
use bytes::Bytes;
use object_store::{
    Attribute, Attributes, Error as StoreError, MultipartUpload, ObjectStore, PutMultipartOptions,
    PutOptions, path::Path,
};
use parlour_core::{Error, ports::Staged};
use std::{fs::File, future::Future, io::Read as _};
use tokio::{task::spawn_blocking, time::timeout};

/// Larger files go in parts of this size; S3 takes 10,000 of them (78 GiB) and none below 5 MiB but the
/// last one.
const PART: usize = 8 << 20;

/// Why an upload failed.
pub(super) enum Failed {
    /// The storage said so.
    Storage(StoreError),
    /// It did not answer.
    Silent,
    /// The staged file could not be read.
    Disk(std::io::Error),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Storage(error)
    }
}

impl Failed {
    pub(super) fn into_error(self, bucket: &str) -> Error {
        match self {
            Self::Storage(error) => of_s3(bucket, error),
            Self::Silent => Error::unavailable("the storage did not take a file in time"),
            Self::Disk(error) => Error::unavailable(error),
        }
    }
}

/// Uploads the file; after an error nothing is under its name.
pub(super) async fn upload(
    store: &dyn ObjectStore,
    path: &Path,
    staged: &Staged,
    content_type: String,
) -> Result<(), Failed> {
    let file = File::open(staged.path()).map_err(Failed::Disk)?;
    let mut attributes = Attributes::new();
    attributes.insert(Attribute::ContentType, content_type.into());
    let (file, first) = part(file).await?;
    if first.len() < PART {
        let options = PutOptions {
            attributes,
            ..PutOptions::default()
        };
        return in_time(store.put_opts(path, first.into(), options))
            .await
            .map(drop);
    }
    let options = PutMultipartOptions {
        attributes,
        ..PutMultipartOptions::default()
    };
    let mut upload = in_time(store.put_multipart_opts(path, options)).await?;
    let sent = parts(upload.as_mut(), file, first).await;
    if sent.is_err() {
        // Else the storage keeps, and bills, the parts.
        let _ = in_time(upload.abort()).await;
    }
    sent
}

async fn parts(
    upload: &mut dyn MultipartUpload,
    mut file: File,
    first: Bytes,
) -> Result<(), Failed> {
    let mut next = first;
    while !next.is_empty() {
        // The next part is read from the disk while this one is sent: two are held.
        let sending = upload.put_part(next.into());
        let (sent, read) = tokio::join!(in_time(sending), part(file));
        sent?;
        (file, next) = read?;
    }
    in_time(upload.complete()).await.map(drop)
}

async fn in_time<T>(request: impl Future<Output = Result<T, StoreError>>) -> Result<T, Failed> {
    match timeout(PART_PATIENCE, request).await {
        Ok(answer) => answer.map_err(Failed::Storage),
        Err(_) => Err(Failed::Silent),
    }
}

/// The next part of the file, whole unless it is the last one.
async fn part(mut file: File) -> Result<(File, Bytes), Failed> {
    let read = spawn_blocking(move || {
        let mut part = Vec::new();
        (&mut file).take(PART as u64).read_to_end(&mut part)?;
        Ok((file, Bytes::from(part)))
    });
    match read.await {
        Ok(read) => read.map_err(Failed::Disk),
        Err(stopped) => Err(Failed::Disk(std::io::Error::other(stopped))),
    }
}
