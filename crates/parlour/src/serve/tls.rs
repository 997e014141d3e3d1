//! TLS spoken by the server itself: `TLS_CERT` and `TLS_KEY`, read again on SIGHUP.

use crate::config::TlsFiles;
use anyhow::{Context as _, ensure};
use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};
use tokio_util::sync::CancellationToken;

/// The certificate in force. Connections that are open keep the one they began with.
pub(crate) struct Tls {
    cert: PathBuf,
    key: PathBuf,
    acceptor: RwLock<TlsAcceptor>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read, holds nothing of its kind, or they do not belong together.
    pub(crate) fn load(files: &TlsFiles) -> anyhow::Result<Arc<Self>> {
        let acceptor = read(&files.cert, &files.key)?;
        Ok(Arc::new(Self {
            cert: files.cert.clone(),
            key: files.key.clone(),
            acceptor: RwLock::new(acceptor),
        }))
    }

    /// For the next connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let acceptor = self.acceptor.read();
        acceptor.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again at each SIGHUP, until stopped. Files that will not do change nothing.
    ///
    /// # Errors
    /// When the operating system does not let us listen.
    pub(crate) fn follow_signals(
        self: Arc<Self>,
        stop: CancellationToken,
    ) -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
        let mut hang_up: Signal = signal(SignalKind::hangup())?;
        Ok(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = hang_up.recv() => self.reload(),
                }
            }
        })
    }

    fn reload(&self) {
        match read(&self.cert, &self.key) {
            Ok(acceptor) => {
                *self
                    .acceptor
                    .write()
                    .unwrap_or_else(PoisonError::into_inner) = acceptor;
                tracing::info!(certificate = %self.cert.display(), "certificate read again");
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the old certificate stays");
            }
        }
    }
}

fn read(cert: &PathBuf, key: &PathBuf) -> anyhow::Result<TlsAcceptor> {
    let of_cert = || format!("TLS_CERT {}", cert.display());
    let of_key = || format!("TLS_KEY {}", key.display());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(cert)
        .with_context(of_cert)?
        .collect::<Result<_, _>>()
        .with_context(of_cert)?;
    ensure!(!chain.is_empty(), "{}: no certificate in it", of_cert());
    let key = PrivateKeyDer::from_pem_file(key).with_context(of_key)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("TLS_CERT and TLS_KEY")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
