//! A data folder with files in it, on a disk and on S3.

use super::{Place, Ran};
use async_trait::async_trait;
use bytes::Bytes;
use parlour_core::{
    FileId, Time,
    model::{File, FileKind},
    ports::{
        AccountKeys, Announce, BlobKey, Blobs, NewFile, NewUser, Random as _, SaveUser, StageFile,
        SystemRandom,
    },
};
use parlour_store::blobs::{Opening, open_blobs_with};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    sync::Arc,
};

/// Where the files of a folder are.
pub(crate) struct Storage {
    place: Place,
    url: String,
    variables: Vec<(String, String)>,
}

struct Nobody;

#[async_trait]
impl Announce for Nobody {
    async fn events(&self, _: Vec<Arc<parlour_core::Event>>) {}
    async fn signal(&self, _: parlour_core::Signal) {}
}

impl Storage {
    pub(crate) fn disk() -> Self {
        let place = Place::new();
        let url = format!("file://{}", place.path().join("media").display());
        Self {
            place,
            url,
            variables: Vec::new(),
        }
    }

    /// The disk, and S3 unless `PARLOUR_TEST_WITHOUT` names it.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![Self::disk()];
        let without = std::env::var("PARLOUR_TEST_WITHOUT").unwrap_or_default();
        if without.split(',').any(|name| name == "s3") {
            return all;
        }
        let endpoint = std::env::var("PARLOUR_TEST_S3").expect(
            "PARLOUR_TEST_S3 is the address of an S3 server (`cargo xtask test` starts one); \
             PARLOUR_TEST_WITHOUT=s3 leaves this out",
        );
        let mut random = [0; 16];
        SystemRandom.fill(&mut random);
        let bucket = format!("b{:032x}", u128::from_be_bytes(random));
        make_bucket(&endpoint, &bucket);
        let variables = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "ada"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ];
        all.push(Self {
            place: Place::new(),
            url: format!("s3://{bucket}/files"),
            variables: variables
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
        });
        all
    }

    /// Where a disk has them.
    pub(crate) fn folder(&self) -> PathBuf {
        self.place.path().join("media")
    }

    pub(crate) fn doctor(&self) -> Ran {
        self.run(&["doctor", "--blobs", "--listen", "127.0.0.1:0"])
    }

    fn run(&self, args: &[&str]) -> Ran {
        let mut command = self.place.command(args);
        command
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env("BLOBS_URL", &self.url)
            .env("DATABASE_URL", self.database());
        Ran::from(command.output().expect("started"))
    }

    fn database(&self) -> String {
        format!(
            "sqlite://{}",
            self.place.path().join("parlour.db").display()
        )
    }

    pub(crate) fn remove(&self, key: &BlobKey) {
        block_on(async { self.open().await.delete(key).await.expect("deleted") });
    }

    /// Puts bytes under a key, whatever was there.
    pub(crate) fn put(&self, key: &BlobKey, bytes: &[u8]) {
        block_on(async { put(&*self.open().await, key, bytes).await });
    }

    async fn open(&self) -> Arc<dyn Blobs> {
        let opening = Opening {
            url: &self.url,
            data_dir: self.place.path(),
            random: Arc::new(SystemRandom),
            prepare: || {},
            variables: self.variables.clone(),
        };
        open_blobs_with(opening).await.expect("a storage")
    }
}

/// Makes the database with one account, and keeps these files of it; their keys.
pub(crate) fn fill(storage: &Storage, contents: &[&[u8]]) -> Vec<BlobKey> {
    storage.run(&["migrate"]).fine();
    block_on(async {
        let options = parlour_store::Options::default();
        let store = parlour_store::open(&storage.database(), options, Arc::new(Nobody)).await;
        let store = store.expect("a store");
        let user = NewUser {
            username: "ada".into(),
            nickname: "ada".into(),
            email: None,
            keys: AccountKeys {
                username: Some("ada".into()),
                nickname: Some("ada".into()),
                email: None,
            },
            first_name: String::new(),
            last_name: String::new(),
            password_hash: "none".into(),
            is_admin: false,
            at: Time::now(),
        };
        let SaveUser::Saved { user, .. } = store.create_user(user).await.expect("stored") else {
            panic!("no account")
        };
        let blobs = storage.open().await;
        let mut keys = Vec::new();
        for content in contents {
            let mut random = [0; 16];
            SystemRandom.fill(&mut random);
            let key = BlobKey::new("text/plain", random, ".txt");
            put(&*blobs, &key, content).await;
            let new = NewFile {
                file: file(&key, content.len()),
                owner: user.id,
                sha256: String::new(),
                received: String::new(),
                quota: None,
                at: Time::now(),
            };
            let staged = store.stage_file(new).await.expect("noted");
            assert!(matches!(staged, StageFile::Staged(_)), "{staged:?}");
            keys.push(key);
        }
        store.close().await;
        keys
    })
}

fn file(key: &BlobKey, size: usize) -> File {
    File {
        id: FileId::new(0),
        key: key.clone(),
        name: "a.txt".to_owned(),
        mime: "text/plain".to_owned(),
        kind: FileKind::Text,
        size: size as u64,
        pixels: None,
        duration: None,
        placeholder: None,
        alt: String::new(),
        thumbs: Vec::new(),
    }
}

async fn put(blobs: &dyn Blobs, key: &BlobKey, bytes: &[u8]) {
    let mut staged = blobs.stage().await.expect("staged");
    staged
        .append_bytes(Bytes::copy_from_slice(bytes))
        .await
        .expect("written");
    blobs.keep(key, staged, "text/plain").await.expect("kept");
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(work)
}

fn make_bucket(endpoint: &str, bucket: &str) {
    let host = endpoint.strip_prefix("http://").expect("plain HTTP");
    let mut wire = TcpStream::connect(host).expect("it listens");
    let head = format!(
        "PUT /{bucket} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    wire.write_all(head.as_bytes()).expect("sent");
    let mut answer = String::new();
    wire.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
