//! Files of a body: streamed to where they are staged, never whole in memory.

use super::read::BodyError;
use crate::Web;
use parlour_core::{
    Actor, App, Error,
    error::Problem,
    files::{self, Attachment, Received, Receiving},
};
use std::sync::{Arc, Mutex, PoisonError};

/// Files that came with a body, in their order. Shared by the clones of a form: whoever takes them
/// first has them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uploads(Arc<Mutex<Vec<Upload>>>);

/// A file and whether it came as the contract's single `file`.
#[derive(Debug)]
struct Upload {
    is_file: bool,
    received: Box<Received>,
}

impl Uploads {
    fn push(&self, is_file: bool, received: Received) {
        let received = Box::new(received);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Upload { is_file, received });
    }

    /// All of them, those named `file` first.
    pub(super) fn take(&self) -> Vec<Attachment> {
        let mut all: Vec<Upload> = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
            .collect();
        all.sort_by_key(|upload| !upload.is_file);
        all.into_iter()
            .map(|upload| Attachment::Received(upload.received))
            .collect()
    }

    /// Says what the files show, the nth text of the nth file.
    pub(super) fn describe(&self, alts: Vec<String>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (upload, alt) in all.iter_mut().zip(alts) {
            upload.received.alt = alt;
        }
    }
}

/// Where the files of a multipart body go.
pub(super) struct Keeper<'a> {
    app: &'a App,
    /// Whose files are kept; without, files are read and thrown away.
    sender: Option<&'a Actor>,
    count: usize,
}

impl<'a> Keeper<'a> {
    pub(super) const fn new(web: &'a Web, sender: Option<&'a Actor>) -> Self {
        Self {
            app: &web.app,
            sender,
            count: 0,
        }
    }

    /// Most bytes of files in one body.
    pub(super) fn most_bytes(&self) -> u64 {
        let settings = self.app.settings();
        let files = if self.sender.is_some() {
            settings.max_files as u64
        } else {
            1
        };
        settings.max_upload_bytes.saturating_mul(files)
    }

    /// Refuses a body whose announced length will not do, before it is read.
    pub(super) async fn expect(
        &self,
        announced: u64,
        limit: u64,
        besides: u64,
    ) -> Result<(), BodyError> {
        if announced > limit {
            return Err(BodyError::TooLarge);
        }
        match self.sender {
            Some(sender) => files::expect(self.app, sender, announced.saturating_sub(besides))
                .await
                .map_err(BodyError::Refused),
            None => Ok(()),
        }
    }

    /// Begins to keep a file; `None`: its bytes are of no use.
    pub(super) async fn begin(
        &mut self,
        field: &str,
        name: &str,
    ) -> Result<Option<Receiving>, BodyError> {
        if self.sender.is_none() || !matches!(field, "file" | "files") {
            return Ok(None);
        }
        self.count += 1;
        let max = self.app.settings().max_files;
        if self.count > max {
            let problem = Problem::TooManyFiles { max };
            return Err(BodyError::Refused(Error::field("file", problem)));
        }
        let receiving = files::receive(self.app, name).await;
        receiving.map(Some).map_err(BodyError::Refused)
    }
}

/// A file that came whole. An input in which nothing was chosen sends an empty one without a name.
pub(super) async fn finish(
    field: &str,
    uploads: &Uploads,
    receiving: Receiving,
) -> Result<(), BodyError> {
    let received = receiving.finish().await.map_err(BodyError::Refused)?;
    if !(received.name.is_empty() && received.size() == 0) {
        uploads.push(field == "file", received);
    }
    Ok(())
}
