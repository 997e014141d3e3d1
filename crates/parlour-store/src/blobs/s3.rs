//! Files in a bucket of an S3-compatible storage.
//!
//! Where it is and how to get in is said by the usual AWS variables: `AWS_ACCESS_KEY_ID`,
//! `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ALLOW_HTTP` and the others that
//! `object_store` knows.

mod upload;

use super::staging::Staging;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::{
    BackoffConfig, ClientConfigKey, Error as StoreError, GetOptions, GetRange, ObjectStore,
    ObjectStoreExt as _, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey},
    path::Path as ObjectPath,
    signer::{SignedUrlOptions, Signer as _},
};
use parlour_core::{
    Error, Time,
    ports::{
        BlobEntry, BlobKey, BlobStream, Blobs, Clock as _, Lanes, Random, Staged, SystemClock,
    },
};
use std::{future::Future, ops::Range, path::Path, sync::Arc, time::Duration};
use tokio::time::timeout;

/// Where files are staged, below the data folder.
const STAGING: &str = "staging";
/// Within this time a small request is answered, repeated or not, or the storage is unavailable.
const PATIENCE: Duration = Duration::from_secs(2);
/// The same for one part of a large file, in either direction.
const PART_PATIENCE: Duration = Duration::from_secs(30);
/// Largest piece that a reader is given.
const PIECE: usize = 1 << 20;

pub(super) struct S3 {
    store: Arc<AmazonS3>,
    bucket: String,
    prefix: String,
    staging: Staging,
}

impl S3 {
    /// Opens `bucket/prefix`.
    pub(super) async fn open(
        place: &str,
        (data_dir, random, prepare): (&Path, Arc<dyn Random>, fn()),
        variables: &[(String, String)],
    ) -> Result<Self, Error> {
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        // The https client of object_store asks for whichever is there; an earlier one is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_millis(500),
                base: 2.0,
            },
            max_retries: 3,
            retry_timeout: PATIENCE,
        };
        let seconds = |limit: Duration| format!("{} seconds", limit.as_secs());
        let mut builder = AmazonS3Builder::new();
        for (name, value) in variables {
            // Names that it does not know are nobody's business.
            if let (true, Ok(key)) = (name.starts_with("AWS_"), name.to_ascii_lowercase().parse()) {
                builder = builder.with_config(key, value);
            }
        }
        let connect = AmazonS3ConfigKey::Client(ClientConfigKey::ConnectTimeout);
        let whole = AmazonS3ConfigKey::Client(ClientConfigKey::Timeout);
        builder = builder
            .with_config(connect, seconds(PATIENCE))
            .with_config(whole, seconds(PART_PATIENCE));
        let store = builder
            .with_bucket_name(bucket)
            .with_retry(retry)
            .build()
            .map_err(|error| {
                let text = format!("the storage s3://{place} cannot be used: {error}");
                Error::internal(error).saying(text)
            })?;
        Ok(Self {
            store: Arc::new(store),
            bucket: bucket.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
            staging: Staging::open(data_dir.join(STAGING), random, Lanes::of_passage(prepare))
                .await?,
        })
    }

    fn path(&self, key: &BlobKey) -> ObjectPath {
        ObjectPath::from(format!("{}/{}", self.prefix, key.as_str()))
    }

    fn root(&self) -> Option<ObjectPath> {
        (!self.prefix.is_empty()).then(|| ObjectPath::from(self.prefix.as_str()))
    }

    /// The key of an object below our prefix; `None` for what is no blob.
    fn key(&self, path: &ObjectPath) -> Option<BlobKey> {
        let path = path.as_ref().strip_prefix(self.prefix.as_str())?;
        BlobKey::parse(path.trim_start_matches('/'))
    }

    /// Waits for an answer, within the limit of time; `None` for what is not there.
    async fn ask<T>(
        &self,
        request: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<Option<T>, Error> {
        match timeout(PATIENCE, request).await {
            Ok(Ok(value)) => Ok(Some(value)),
            Ok(Err(error)) if is_gone(&error) => Ok(None),
            Ok(Err(error)) => Err(of_s3(&self.bucket, error)),
            Err(_) => Err(Error::unavailable("the storage did not answer in time")),
        }
    }
}

/// The object is not there, though its bucket is.
fn is_gone(error: &StoreError) -> bool {
    matches!(error, StoreError::NotFound { source, .. } if !names(source.as_ref(), "NoSuchBucket"))
}

/// Whether an error or what caused it says this word.
fn names(error: &(dyn std::error::Error + 'static), word: &str) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(|error| error.to_string().contains(word))
}

/// What an error of the storage means; the first part of it is for the log of the administrator.
fn of_s3(bucket: &str, error: StoreError) -> Error {
    let said = match &error {
        StoreError::Unauthenticated { .. } | StoreError::PermissionDenied { .. } => Some(format!(
            "the storage refuses these credentials for the bucket {bucket} \
             (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"
        )),
        error if names(error, "NoSuchBucket") => {
            Some(format!("the storage has no bucket {bucket}"))
        }
        _ => None,
    };
    match said {
        Some(said) => Error::unavailable(format!("{said}: {error}")),
        None => Error::unavailable(error),
    }
}

#[async_trait]
impl Blobs for S3 {
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

    async fn keep(
        &self,
        key: &BlobKey,
        mut staged: Staged,
        content_type: &str,
    ) -> Result<(), Error> {
        staged.finish().await?;
        let (store, path) = (Arc::clone(&self.store), self.path(key));
        let (bucket, content_type) = (self.bucket.clone(), content_type.to_owned());
        // A task of its own: a caller who goes away must not leave half an upload behind.
        let upload = tokio::spawn(async move {
            upload::upload(store.as_ref(), &path, &staged, content_type)
                .await
                .map_err(|error| error.into_error(&bucket))
        });
        upload.await.map_err(Error::internal)?
    }

    async fn size(&self, key: &BlobKey) -> Result<Option<u64>, Error> {
        let path = self.path(key);
        let meta = self.ask(self.store.head(&path)).await?;
        Ok(meta.map(|meta| meta.size))
    }

    async fn read(&self, key: &BlobKey, range: Range<u64>) -> Result<Option<BlobStream>, Error> {
        if range.is_empty() {
            let there = self.size(key).await?.is_some();
            return Ok(there.then(|| stream::empty().boxed()));
        }
        let path = self.path(key);
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let Some(answer) = self.ask(self.store.get_opts(&path, options)).await? else {
            return Ok(None);
        };
        let bucket = self.bucket.clone();
        let pieces = stream::try_unfold(answer.into_stream(), |mut stream| async move {
            match timeout(PART_PATIENCE, stream.next()).await {
                Ok(Some(Ok(piece))) => Ok(Some((piece, stream))),
                Ok(Some(Err(error))) => Err(Some(error)),
                Ok(None) => Ok(None),
                Err(_) => Err(None),
            }
        });
        let pieces = pieces.map_err(move |error| match error {
            Some(error) => of_s3(&bucket, error),
            None => Error::unavailable("the storage stopped in the middle of a file"),
        });
        let pieces = pieces
            .map_ok(|piece| stream::iter(split(piece)).map(Ok))
            .try_flatten();
        Ok(Some(pieces.boxed()))
    }

    async fn direct(
        &self,
        key: &BlobKey,
        disposition: &str,
        content_type: &str,
        lives: Duration,
    ) -> Result<Option<String>, Error> {
        let options = SignedUrlOptions::default().with_query([
            ("response-content-disposition", disposition),
            ("response-content-type", content_type),
        ]);
        let path = self.path(key);
        let url = self
            .store
            .signed_url_opts(http::Method::GET, &path, lives, &options);
        Ok(self.ask(url).await?.map(String::from))
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), Error> {
        let path = self.path(key);
        self.ask(self.store.delete(&path)).await.map(drop)
    }

    async fn settle_deleted(&self) -> Result<(), Error> {
        // The storage itself sees to it.
        Ok(())
    }

    async fn list(&self, after: Option<&BlobKey>, most: usize) -> Result<Vec<BlobEntry>, Error> {
        let root = self.root();
        let mut all = match after {
            Some(after) => self
                .store
                .list_with_offset(root.as_ref(), &self.path(after)),
            None => self.store.list(root.as_ref()),
        };
        let now = SystemClock.now();
        let mut found = Vec::new();
        while found.len() < most
            && let Some(meta) = self
                .ask(async { all.next().await.transpose() })
                .await?
                .flatten()
        {
            if let Some(key) = self.key(&meta.location) {
                let written = Time::from_micros(meta.last_modified.timestamp_micros());
                found.push(BlobEntry {
                    key,
                    size: meta.size,
                    age: now.since(written),
                });
            }
        }
        Ok(found)
    }

    async fn sweep_staged(&self, age: Duration, in_use: &[String]) -> Result<u64, Error> {
        self.staging.sweep(age, in_use).await
    }

    async fn free(&self) -> Result<Option<u64>, Error> {
        self.staging.free().await.map(Some)
    }

    async fn probe(&self) -> Result<(), Error> {
        self.staging.probe().await?;
        let path = ObjectPath::from(format!("{}/.probe", self.prefix));
        let missing = || Error::unavailable(format!("the storage has no bucket {}", self.bucket));
        self.ask(self.store.put(&path, Bytes::from_static(b"probe").into()))
            .await?
            .ok_or_else(missing)?;
        self.ask(self.store.delete(&path)).await.map(drop)
    }
}

/// A piece in parts that are small enough for readers.
fn split(mut piece: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let part = piece.split_to(piece.len().min(PIECE));
        (!part.is_empty()).then_some(part)
    })
}
