//! Requests and answers.

use super::Value;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Request, StatusCode, body::Body as _, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use std::{
    borrow::Borrow,
    future::{Future, IntoFuture},
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::net::TcpStream;

/// How long an answer may take before the story fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A body of more bytes may be refused before it has been read.
const LARGE: u64 = 1_000;

type Connection = SendRequest<Full<Bytes>>;

/// Speaks HTTP to a server over connections that are kept open, and follows it when it restarts. When
/// several processes are one server, each request goes to the next of them.
#[derive(Clone, Debug)]
pub(crate) struct Client(Arc<Mutex<Reach>>);

#[derive(Debug)]
struct Reach {
    nodes: Vec<Node>,
    next: usize,
}

#[derive(Debug)]
struct Node {
    address: SocketAddr,
    idle: Vec<Connection>,
}

impl Reach {
    fn new(addresses: &[SocketAddr]) -> Self {
        let node = |address: &SocketAddr| Node {
            address: *address,
            idle: Vec::new(),
        };
        Self {
            nodes: addresses.iter().map(node).collect(),
            next: 0,
        }
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self::of_all(&[address])
    }

    /// Of several processes that are one server.
    pub(crate) fn of_all(addresses: &[SocketAddr]) -> Self {
        Self(Arc::new(Mutex::new(Reach::new(addresses))))
    }

    /// The next process's.
    pub(crate) fn address(&self) -> SocketAddr {
        self.reach(|reach| {
            reach.next = (reach.next + 1) % reach.nodes.len();
            reach.nodes[reach.next].address
        })
    }

    /// All of them.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.reach(|reach| reach.nodes.iter().map(|node| node.address).collect())
    }

    /// The server is somewhere else now.
    pub(crate) fn moved(&self, addresses: &[SocketAddr]) {
        self.reach(|reach| *reach = Reach::new(addresses));
    }

    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        Call {
            client: self.clone(),
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    fn reach<T>(&self, use_it: impl FnOnce(&mut Reach) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn connection(&self, address: SocketAddr) -> Result<Connection, String> {
        let kept = |reach: &mut Reach| {
            let node = reach.nodes.iter_mut().find(|node| node.address == address);
            node.and_then(|node| node.idle.pop())
        };
        while let Some(mut idle) = self.reach(kept) {
            if idle.ready().await.is_ok() {
                return Ok(idle);
            }
        }
        let stream = TcpStream::connect(address)
            .await
            .map_err(|e| e.to_string())?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|e| e.to_string())?;
        tokio::spawn(async move {
            // A broken connection shows in the answer that does not come.
            let _ = connection.await;
        });
        Ok(sender)
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let address = self.address();
        let size = request.body().size_hint().exact().unwrap_or_default();
        let mut connection = self.connection(address).await?;
        let answer = connection
            .send_request(request)
            .await
            .map_err(|e| format!("{e:?}"))?;
        let (parts, body) = answer.into_parts();
        let body = body
            .collect()
            .await
            .map_err(|e| format!("{e:?}"))?
            .to_bytes();
        self.reach(|reach| {
            // The server hangs up on a body that it refused and did not read to its end.
            let refused = parts.status.is_client_error() && size > LARGE;
            let node = reach.nodes.iter_mut().find(|node| node.address == address);
            if let Some(node) = node.filter(|_| !refused) {
                node.idle.push(connection);
            }
        });
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        })
    }
}

/// A request in the making. Awaiting it sends it; a broken connection fails the story.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    client: Client,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Call {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Token {token}"))
    }

    /// A body of any type.
    pub(crate) fn body(mut self, kind: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", kind)
    }

    pub(crate) fn json(self, value: impl Borrow<Value>) -> Self {
        self.body("application/json", value.borrow().to_string())
    }

    pub(crate) fn form(self, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.body("application/x-www-form-urlencoded", body)
    }

    pub(crate) fn multipart(self, fields: &[(&str, &str)]) -> Self {
        let mut body = String::new();
        for (name, value) in fields {
            body += &format!(
                "--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
        }
        self.body("multipart/form-data; boundary=edge", body + "--edge--\r\n")
    }

    /// A multipart form with a file in it.
    pub(crate) fn file(
        self,
        fields: &[(&str, &str)],
        name: &str,
        content: impl AsRef<[u8]>,
    ) -> Self {
        self.files(fields, &[("file", name, content.as_ref())])
    }

    /// A multipart form with files: field, name, content.
    pub(crate) fn files(self, fields: &[(&str, &str)], files: &[(&str, &str, &[u8])]) -> Self {
        let mut body = Vec::new();
        for (name, value) in fields {
            let part = format!(
                "--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend(part.as_bytes());
        }
        for (field, name, content) in files {
            let head = format!(
                "--edge\r\nContent-Disposition: form-data; name=\"{field}\"; \
                 filename=\"{name}\"\r\nContent-Type: text/plain\r\n\r\n"
            );
            body.extend(head.as_bytes());
            body.extend(*content);
            body.extend(b"\r\n");
        }
        body.extend(b"--edge--\r\n");
        self.body("multipart/form-data; boundary=edge", body)
    }

    /// Sends it; a broken connection is an answer too.
    pub(crate) async fn attempt(self) -> Result<Answer, String> {
        let mut request = Request::builder()
            .method(self.method.as_str())
            .uri(&self.path)
            .header("host", self.client.address().to_string());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request
            .body(Full::new(self.body))
            .map_err(|e| e.to_string())?;
        tokio::time::timeout(PATIENCE, self.client.send(request))
            .await
            .map_err(|_| format!("no answer within {PATIENCE:?}"))?
    }
}

impl IntoFuture for Call {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let line = format!("{} {}", self.method, self.path);
            self.attempt()
                .await
                .unwrap_or_else(|error| panic!("{line}: {error}"))
        })
    }
}

/// What the server answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, or null when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body, after making sure of the status.
    #[track_caller]
    pub(crate) fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// Status and body, exactly.
    #[track_caller]
    pub(crate) fn is(&self, status: u16, body: impl Borrow<Value>) {
        assert_eq!(
            (self.status, &self.json()),
            (status, body.borrow()),
            "{}",
            self.text()
        );
    }

    /// `{"detail": text}`.
    #[track_caller]
    pub(crate) fn is_detail(&self, status: u16, text: &str) {
        self.is(status, super::json!({ "detail": text }));
    }

    /// 400 with this one field error.
    #[track_caller]
    pub(crate) fn is_bad(&self, field: &str, text: &str) {
        self.is(400, super::json!({ field: [text] }));
    }

    /// 204 with an empty body.
    #[track_caller]
    pub(crate) fn is_empty(&self) {
        assert_eq!((self.status, self.body.len()), (204, 0), "{}", self.text());
    }

    /// A page's rows, after making sure of 200.
    #[track_caller]
    pub(crate) fn rows(&self) -> Vec<Value> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        self.json()["results"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }
}
