//! What one durable write costs on this disk, whoever asks for it.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::histogram::Histogram;

const BLOCK: usize = 4096;

/// Syncs, one after the other.
#[derive(Serialize)]
pub(crate) struct Syncs {
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
}

/// Appends blocks to a new file in the folder and makes each durable before the next.
pub(crate) fn measure(folder: &Path, length: Duration) -> Result<Syncs> {
    let path = folder.join(format!("sync-{}", std::process::id()));
    let result = append(&path, length);
    // The file is ours alone; one that was never made needs no removal.
    drop(std::fs::remove_file(&path));
    result
}

fn append(path: &Path, length: Duration) -> Result<Syncs> {
    let mut file =
        File::create_new(path).with_context(|| format!("cannot write to {}", path.display()))?;
    let block = [7; BLOCK];
    let mut histogram = Histogram::default();
    let started = Instant::now();
    while started.elapsed() < length {
        let begun = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        histogram.record(begun.elapsed());
    }
    Ok(Syncs {
        per_second: histogram.count() as f64 / started.elapsed().as_secs_f64(),
        p50_us: histogram.quantile_us(0.5),
        p99_us: histogram.quantile_us(0.99),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_syncs_happen_and_no_file_stays() {
        let folder = std::env::temp_dir().join(format!("sync-test-{}", std::process::id()));
        std::fs::create_dir(&folder).expect("made");
        let syncs = measure(&folder, Duration::from_millis(30)).expect("measured");
        assert!(syncs.per_second > 0.0 && syncs.p50_us > 0.0);
        assert!(syncs.p99_us >= syncs.p50_us);
        std::fs::remove_dir(&folder).expect("empty");
    }
}
