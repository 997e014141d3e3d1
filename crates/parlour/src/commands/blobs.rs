//! `parlour blobs …`: moving the storage of files.

use crate::{
    config::Config,
    database::explain,
    output::{note, say},
};
use anyhow::ensure;
use parlour_core::ports::{BlobKey, Blobs};
use parlour_store::blobs::{Moved, Stock, compare_blobs, copy_blobs, open_blobs};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// What can be done with storages of files.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Action {
    /// Copy all files and thumbnails of one storage into another one, and compare both at the end. What is
    /// there already is passed over, so the command goes on where it stopped, and may run beside a server.
    Copy {
        /// Where they come from: `file://folder` or `s3://bucket/prefix`.
        #[arg(long, value_name = "URL")]
        from: String,
        /// Where they go.
        #[arg(long, value_name = "URL")]
        to: String,
        /// Read also what is there already, and copy it again when it is not the same.
        #[arg(long)]
        all: bool,
    },
}

/// How often a copy says how far it is.
const EVERY: Duration = Duration::from_secs(2);
/// So many blobs that are not as they should be are named.
const NAMED: usize = 20;

/// Does it.
pub(super) async fn run(config: &Config, action: &Action) -> anyhow::Result<()> {
    let Action::Copy { from, to, all } = action;
    ensure!(from != to, "source and target are the same storage");
    // Opening it would make it.
    if let Some(folder) = from.strip_prefix("file://") {
        ensure!(
            Path::new(folder).is_dir(),
            "the folder of files is not there: {folder}"
        );
    }
    let source = open(config, from, "source").await?;
    let target = open(config, to, "target").await?;
    let start = Instant::now();
    let mut told = start;
    let mut tell = |moved| {
        if told.elapsed() >= EVERY {
            told = Instant::now();
            note(&sentence(&moved));
        }
    };
    let moved = copy_blobs(&*source, &*target, *all, &mut tell)
        .await
        .map_err(|error| stopped(&error))?;
    say(&format!(
        "{} ({:.1} s)",
        sentence(&moved),
        start.elapsed().as_secs_f64()
    ))?;
    let mut wrong = Vec::new();
    let mut count = 0_u64;
    let mut differs = |key: &BlobKey| {
        count += 1;
        if wrong.len() < NAMED {
            wrong.push(key.to_string());
        }
    };
    let compared = compare_blobs(&*source, &*target, &mut differs)
        .await
        .map_err(|error| stopped(&error))?;
    say(&row("", "blobs", "bytes", "checksum of keys and sizes"))?;
    say(&line("source", &compared.source))?;
    say(&line("target", &compared.target))?;
    if compared.others > 0 {
        say(&format!(
            "The target has {} other blobs; they were left alone.",
            compared.others
        ))?;
    }
    ensure!(
        count == 0,
        "{count} blobs of the source are not in the target as they are there: {}. If a server runs on the \
         source, run the command again.",
        wrong.join(", ")
    );
    say("Everything of the source is in the target.")?;
    Ok(())
}

async fn open(config: &Config, url: &str, name: &str) -> anyhow::Result<Arc<dyn Blobs>> {
    open_blobs(url, &config.storage.data_dir, || {})
        .await
        .map_err(|error| explain(&error).context(format!("{name} {url}")))
}

fn stopped(error: &parlour_core::Error) -> anyhow::Error {
    explain(error).context("the copy stopped; the same command goes on where it stopped")
}

fn sentence(moved: &Moved) -> String {
    let gone = match moved.gone {
        0 => String::new(),
        gone => format!(", {gone} deleted meanwhile"),
    };
    format!(
        "{} blobs with {} bytes copied and read again, {} were there already{gone}",
        moved.copied, moved.bytes, moved.skipped
    )
}

fn line(name: &str, stock: &Stock) -> String {
    row(
        name,
        &stock.blobs.to_string(),
        &stock.bytes.to_string(),
        &stock.checksum,
    )
}

fn row(name: &str, blobs: &str, bytes: &str, checksum: &str) -> String {
    format!("{name:<7} {blobs:>10} {bytes:>16}  {checksum}")
}
