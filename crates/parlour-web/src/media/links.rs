//! Addresses of files that load as they stand: absolute, with a signature for one account.

use crate::{SecretKey, Web, auth::Caller, session};
use axum::{
    extract::FromRequestParts,
    http::{header::HOST, request::Parts, uri::Authority},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use parlour_core::{
    Time, UserId,
    ports::{BlobKey, Clock},
};
use parlour_realtime::{FileSigner, MEDIA, Signer};
use sha2::Sha256;
use std::{convert::Infallible, sync::Arc};

/// A signature lives between this and twice this, in seconds (contract 7d: ten minutes at most). Within
/// the step the address stays the same, so that browsers know it again.
const STEP: i64 = 300;

/// Makes the addresses of one answer.
pub(crate) struct Links(Box<Signer>);

impl Links {
    /// What puts addresses into views.
    pub(crate) fn signer(&self) -> &Signer {
        &*self.0
    }
}

impl FromRequestParts<Web> for Links {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Infallible> {
        let caller = parts.extensions.get::<Caller>();
        let user = caller
            .and_then(|caller| caller.actor)
            .map(|actor| actor.user);
        let origin = origin(web, parts);
        let (until, web) = (until(web.app.now()), web.clone());
        Ok(Self(Box::new(move |key: &BlobKey| {
            let secret = &web.config.secret_key;
            let sig = user.and_then(|user| signature(secret, key.stem(), user, until));
            sig.map_or_else(
                || format!("{origin}{MEDIA}{key}"),
                |sig| format!("{origin}{MEDIA}{key}?sig={sig}"),
            )
        })))
    }
}

/// How people reach this server: `PUBLIC_URL`, else what the request says; nothing when it says
/// nothing that could be an address.
fn origin(web: &Web, parts: &Parts) -> String {
    if let Some(public) = &web.config.public_url {
        return public.trim_end_matches('/').to_owned();
    }
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host.filter(|host| host.parse::<Authority>().is_ok() && !host.contains('@'))
    else {
        return String::new();
    };
    let https = session::is_https(web, &parts.headers, &parts.extensions);
    format!("{}://{host}", if https { "https" } else { "http" })
}

/// Makes addresses for sockets: paths, because nobody knows by which name a client reached us.
#[must_use]
pub fn file_signer(secret: SecretKey, clock: Arc<dyn Clock>) -> FileSigner {
    FileSigner::new(move |user, key| {
        let until = until(clock.now());
        match signature(&secret, key.stem(), user, until) {
            Some(sig) => format!("{MEDIA}{key}?sig={sig}"),
            None => format!("{MEDIA}{key}"),
        }
    })
}

/// When a signature that is made now ends, in seconds.
const fn until(now: Time) -> i64 {
    (now.as_micros() / 1_000_000 / STEP + 2) * STEP
}

/// `<user>.<end>.<mac>`, for a file and its thumbnails.
fn signature(secret: &SecretKey, stem: &str, user: UserId, until: i64) -> Option<String> {
    let mac = mac(secret, stem, user, until)?.finalize().into_bytes();
    Some(format!("{user}.{until}.{}", URL_SAFE_NO_PAD.encode(mac)))
}

fn mac(secret: &SecretKey, stem: &str, user: UserId, until: i64) -> Option<Hmac<Sha256>> {
    let mut mac = secret.mac(b"parlour media 1\0")?;
    mac.update(stem.as_bytes());
    mac.update(&user.get().to_le_bytes());
    mac.update(&until.to_le_bytes());
    Some(mac)
}

/// For whom the query of a file's address is signed, as long as it lives. Whether this account may
/// read the file is another question.
pub(super) fn signed_for(web: &Web, query: Option<&str>, key: &str) -> Option<UserId> {
    let query = query?.as_bytes();
    let (_, sig) = form_urlencoded::parse(query).find(|(name, _)| name == "sig")?;
    let key = BlobKey::parse(key)?;
    let (user, rest) = sig.split_once('.')?;
    let (until, given) = rest.split_once('.')?;
    let (user, until) = (user.parse::<UserId>().ok()?, until.parse::<i64>().ok()?);
    let mut bytes = [0; 32];
    let size = URL_SAFE_NO_PAD.decode_slice(given, &mut bytes).ok()?;
    if size != bytes.len() {
        return None;
    }
    mac(&web.config.secret_key, key.stem(), user, until)?
        .verify_slice(&bytes)
        .ok()?;
    let now = web.app.now().as_micros() / 1_000_000;
    (until >= now && until <= now + 2 * STEP).then_some(user)
}
