//! A fresh storage of files with what tests ask of it.

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use parlour_core::{
    Error,
    ports::{BlobKey, Blobs, Random as _, Staged, SystemRandom},
};
use parlour_store::blobs::{Opening, open_blobs_with};
use std::{ops::Range, path::PathBuf, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A storage in a folder or bucket of its own.
pub(crate) struct Shelf {
    pub(crate) blobs: Arc<dyn Blobs>,
    /// Where files are staged.
    pub(crate) staging: PathBuf,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) is_s3: bool,
}

impl Shelf {
    pub(crate) async fn disk() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("blobs");
        let url = format!("file://{}", root.display());
        let blobs = parlour_store::blobs::open_blobs(&url, folder.path(), || {})
            .await
            .unwrap();
        Self {
            blobs,
            staging: root.join(".staging"),
            folder,
            is_s3: false,
        }
    }

    /// The server that the tests were started with; `None` when they may do without.
    pub(crate) async fn s3() -> Option<Self> {
        let endpoint = endpoint()?;
        let bucket = format!("b{:032x}", u128::from_be_bytes(random()));
        let (status, _) = ask("PUT", &format!("{endpoint}/{bucket}")).await;
        assert_eq!(status, 200, "a bucket");
        Some(Self::at(&endpoint, &format!("{bucket}/some/prefix")).await)
    }

    /// A bucket of a server, which may or may not be there.
    pub(crate) async fn at(endpoint: &str, place: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let variables = [
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "ada"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SOMETHING_ELSE", "nobody's business"),
        ];
        let url = format!("s3://{place}");
        let blobs = open_blobs_with(Opening {
            url: &url,
            data_dir: folder.path(),
            random: Arc::new(SystemRandom),
            prepare: || {},
            variables: variables
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
        });
        let blobs = blobs.await.unwrap();
        Self {
            blobs,
            staging: folder.path().join("staging"),
            folder,
            is_s3: true,
        }
    }

    pub(crate) async fn staged(&self, bytes: &[u8]) -> Staged {
        let mut staged = self.blobs.stage().await.unwrap();
        for piece in bytes.chunks(100_000) {
            staged.append(piece).await.unwrap();
        }
        staged.finish().await.unwrap();
        staged
    }

    pub(crate) async fn keep(&self, bytes: &[u8]) -> BlobKey {
        let key = key();
        let staged = self.staged(bytes).await;
        self.blobs.keep(&key, staged, "image/png").await.unwrap();
        key
    }

    pub(crate) async fn read(
        &self,
        key: &BlobKey,
        range: Range<u64>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some(stream) = self.blobs.read(key, range).await? else {
            return Ok(None);
        };
        let pieces: Vec<Bytes> = stream.try_collect().await?;
        assert!(
            pieces
                .iter()
                .all(|piece| !piece.is_empty() && piece.len() <= 1 << 20)
        );
        Ok(Some(pieces.concat()))
    }

    /// Names in the staging folder.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.staging).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

fn endpoint() -> Option<String> {
    let without = std::env::var("PARLOUR_TEST_WITHOUT").unwrap_or_default();
    if without.split(',').any(|name| name == "s3") {
        return None;
    }
    let missing = "PARLOUR_TEST_S3 is the address of an S3 server (`cargo xtask test` starts one); \
                   PARLOUR_TEST_WITHOUT=s3 leaves these tests out";
    Some(std::env::var("PARLOUR_TEST_S3").expect(missing))
}

/// The address of the server, for tests that make their own buckets.
pub(crate) fn server() -> Option<String> {
    endpoint()
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes);
    bytes
}

pub(crate) fn key() -> BlobKey {
    BlobKey::new("image/png", random(), ".png")
}

/// Bytes that differ at every place that a mistake could mix up.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    (0..length as u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

/// One plain request; the status and everything that came back, its head as text.
pub(crate) async fn ask(method: &str, url: &str) -> (u16, Vec<u8>) {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut wire = TcpStream::connect(host).await.unwrap();
    let request = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    wire.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    wire.read_to_end(&mut answer).await.unwrap();
    let status = String::from_utf8_lossy(&answer[9..12]).parse().unwrap();
    (status, answer)
}
