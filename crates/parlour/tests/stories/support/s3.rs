//! A bucket on the S3 server of the tests, and a look into it past Parlour.

use super::{Answer, Client, Engine, server::Setup};
use parlour_core::ports::{Random as _, SystemRandom};
use std::net::SocketAddr;

/// A bucket of its own.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// Where the storage listens.
    pub(crate) address: SocketAddr,
    name: String,
    client: Client,
}

impl Bucket {
    /// `None` when `PARLOUR_TEST_WITHOUT` names `s3`.
    pub(crate) async fn make() -> Option<Self> {
        let without = std::env::var("PARLOUR_TEST_WITHOUT").unwrap_or_default();
        if without.split(',').any(|word| word.trim() == "s3") {
            return None;
        }
        let url = std::env::var("PARLOUR_TEST_S3").expect(
            "PARLOUR_TEST_S3 is the address of an S3 server (`cargo xtask test` starts one); \
             PARLOUR_TEST_WITHOUT=s3 leaves these stories out",
        );
        let address = url.strip_prefix("http://").expect("plain HTTP");
        let address: SocketAddr = address.parse().expect("an address");
        let mut random = [0; 16];
        SystemRandom.fill(&mut random);
        let name = format!("b{:032x}", u128::from_be_bytes(random));
        let client = Client::new(address);
        let made = client.call("PUT", &format!("/{name}")).await;
        assert_eq!(made.status, 200, "{}", made.text());
        Some(Self {
            address,
            name,
            client,
        })
    }

    /// A server that keeps its files here, reached at this address: the storage's own, or one before it.
    pub(crate) fn setup(&self, engine: Engine, address: SocketAddr) -> Setup {
        engine
            .setup()
            .env("BLOBS_URL", &format!("s3://{}/files", self.name))
            .env("AWS_ENDPOINT_URL", &format!("http://{address}"))
            .env("AWS_ALLOW_HTTP", "true")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "ada")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
    }

    /// The object behind a path of `/media/…`, as the storage itself has it.
    pub(crate) async fn object(&self, path: &str) -> Answer {
        let key = path.strip_prefix("/media/").expect("a path of a file");
        // The server of the tests wants to be asked by somebody, and does not check who it is.
        let somebody = "AWS4-HMAC-SHA256 Credential=ada/20260101/us-east-1/s3/aws4_request, \
                        SignedHeaders=host, Signature=0";
        self.client
            .call("GET", &format!("/{}/files/{key}", self.name))
            .header("authorization", somebody)
            .await
    }

    /// What the storage answers to an address that Parlour gave, with these headers.
    pub(crate) async fn follow(&self, address: &str, headers: &[(&str, &str)]) -> Answer {
        let rest = address.strip_prefix("http://").expect("plain HTTP");
        let path = &rest[rest.find('/').expect("a path")..];
        let call = self.client.call("GET", path);
        let call = headers
            .iter()
            .fold(call, |call, (name, value)| call.header(name, value));
        call.await
    }

    /// How many objects there are.
    pub(crate) async fn count(&self) -> usize {
        let listed = self
            .client
            .call("GET", &format!("/{}?list-type=2", self.name))
            .await;
        assert_eq!(listed.status, 200, "{}", listed.text());
        listed.text().matches("<Key>").count()
    }
}
