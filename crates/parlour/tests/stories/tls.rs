//! TLS spoken by the server itself.

use crate::support::{
    Engine, MESSAGES, PASSWORD, ROOMS, Server, USERS, Value, eventually, json, people::LOGIN,
    stories,
};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use std::{net::SocketAddr, path::Path, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};
use tokio_tungstenite::{client_async, tungstenite::Message};

stories![sqlite only:
    pages_rest_and_sockets_over_tls,
    a_new_certificate_is_read_on_sighup,
    what_is_no_certificate_is_refused_at_start,
    socket_io_over_tls_offers_no_upgrade,
];

const NAME: &str = "chat.example.org";

/// Writes a certificate and its key; what a client has to trust.
fn make(folder: &Path) -> CertificateDer<'static> {
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec![NAME.to_owned()]).expect("a name");
    let cert = params.self_signed(&key).expect("signed");
    std::fs::write(folder.join("cert.pem"), cert.pem()).expect("written");
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).expect("written");
    CertificateDer::from_pem_slice(cert.pem().as_bytes()).expect("PEM")
}

async fn start(engine: Engine) -> (Server, CertificateDer<'static>) {
    let setup = engine.setup();
    let trusted = make(setup.folder());
    let path = |name: &str| setup.folder().join(name).display().to_string();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let server = setup.env("TLS_CERT", &cert).env("TLS_KEY", &key);
    (server.start().await, trusted)
}

async fn connect(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(NAME).expect("a name");
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// One request on a connection of its own.
async fn call(
    (server, trusted): (&Server, &CertificateDer<'static>),
    request: http::request::Builder,
    body: Option<Value>,
) -> (u16, HeaderMap, Bytes) {
    let stream = connect(server.address(), trusted).await.expect("TLS");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .expect("HTTP");
    tokio::spawn(connection);
    let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
    let request = request
        .header("host", NAME)
        .header("content-type", "application/json")
        .body(Full::new(body))
        .expect("a request");
    let answer = sender.send_request(request).await.expect("an answer");
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    (parts.status.as_u16(), parts.headers, body)
}

async fn pages_rest_and_sockets_over_tls(engine: Engine) {
    let (server, trusted) = start(engine).await;
    let way = (&server, &trusted);
    let get = |path: &str| Request::get(path);
    let (status, headers, _) = call(way, get("/accounts/login/"), None).await;
    assert_eq!(status, 200);
    let cookies: Vec<_> = headers.get_all("set-cookie").iter().collect();
    assert!(!cookies.is_empty());
    for cookie in cookies {
        let cookie = cookie.to_str().expect("text");
        assert!(cookie.contains("; Secure"), "{cookie}");
    }
    let post = |path: &str, token: &str| {
        let request = Request::post(path);
        if token.is_empty() {
            request
        } else {
            request.header("authorization", format!("Token {token}"))
        }
    };
    let account = json!({"username": "ada", "password": PASSWORD});
    assert_eq!(
        call(way, post(USERS, ""), Some(account.clone())).await.0,
        201
    );
    let (status, _, body) = call(way, post(LOGIN, ""), Some(account)).await;
    assert_eq!(status, 200);
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let token = body["token"].as_str().expect("a token");
    let (_, _, body) = call(way, post(ROOMS, token), Some(json!({"name": "Tea"}))).await;
    let room: Value = serde_json::from_slice(&body).expect("JSON");
    let stream = connect(server.address(), &trusted).await.expect("TLS");
    let url = format!("wss://{NAME}/?token={token}");
    let (mut socket, _) = client_async(url, stream).await.expect("a socket");
    let send = json!({"room": room["id"], "text": "by wss"});
    socket
        .send(Message::text(send.to_string()))
        .await
        .expect("sent");
    let heard = socket.next().await.expect("a frame").expect("whole");
    assert!(heard.to_text().expect("text").contains("by wss"));
    let said = json!({"room": room["id"], "text": "by https"});
    assert_eq!(call(way, post(MESSAGES, token), Some(said)).await.0, 201);
    let heard = socket.next().await.expect("a frame").expect("whole");
    assert!(heard.to_text().expect("text").contains("by https"));
    // Without TLS there is nothing here.
    let mut raw = server.raw().await;
    raw.head("GET /healthz", &[]).await;
    let (said, closed) = raw
        .read_until_closed(std::time::Duration::from_secs(20))
        .await;
    assert!(closed && !said.starts_with("HTTP/"));
}

async fn socket_io_over_tls_offers_no_upgrade(engine: Engine) {
    let (server, trusted) = start(engine).await;
    let polling = Request::get("/socket.io/?EIO=4&transport=polling");
    let (status, _, body) = call((&server, &trusted), polling, None).await;
    let opening = body.strip_prefix(b"0").expect("an opening");
    let opening: Value = serde_json::from_slice(opening).expect("JSON");
    assert_eq!((status, &opening["upgrades"]), (200, &json!([])));
    // Who begins with WebSocket needs none.
    let stream = connect(server.address(), &trusted).await.expect("TLS");
    let url = format!("wss://{NAME}/socket.io/?EIO=4&transport=websocket");
    let (mut socket, _) = client_async(url, stream).await.expect("a socket");
    let opening = socket.next().await.expect("a frame").expect("whole");
    assert!(opening.to_text().expect("text").starts_with("0{\"sid\""));
    socket.send(Message::text("40")).await.expect("sent");
    let refused = socket.next().await.expect("a frame").expect("whole");
    assert!(refused.to_text().expect("text").starts_with("44{"));
}

async fn a_new_certificate_is_read_on_sighup(engine: Engine) {
    let (mut server, old) = start(engine).await;
    let address = server.address();
    let folder = server.setup.folder().to_path_buf();
    std::fs::write(folder.join("cert.pem"), "no certificate").expect("written");
    server.process().signal("HUP");
    eventually("it says what is wrong", || {
        let log = server.log();
        async move { log.contains("the old certificate stays") }
    })
    .await;
    connect(address, &old).await.expect("as before");
    let new = make(&folder);
    server.process().signal("HUP");
    let new = &new;
    eventually("the new one counts", || async move {
        connect(address, new).await.is_ok()
    })
    .await;
    assert!(connect(address, &old).await.is_err());
}

async fn what_is_no_certificate_is_refused_at_start(engine: Engine) {
    let setup = engine.setup();
    make(setup.folder());
    let path = |name: &str| setup.folder().join(name).display().to_string();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    for (given_cert, given_key, told) in [(&key, &key, "TLS_CERT"), (&cert, &cert, "TLS_KEY")] {
        let output = setup.command(&["--tls-cert", given_cert, "--tls-key", given_key], "");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains(told), "{text}");
    }
}
