//! What looking at a picture costs: `cargo bench -p parlour-core`.
//!
//! Each measures the whole of [`inspect`]: type, metadata, decoding, both thumbnails, placeholder.

use parlour_core::media::inspect;
use std::{fs, path::PathBuf};

#[path = "../../../bench/src/photo.rs"]
mod photo;

fn main() {
    divan::main();
}

fn bench(bencher: divan::Bencher<'_, '_>, orientation: u8) {
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("photo");
    let bytes = photo::photo((4_032, 3_024), orientation).expect("encoded");
    bencher
        .with_inputs(|| fs::write(&path, &bytes))
        .bench_local_values(|written| {
            written.expect("written");
            inspect(&path).expect("looked at")
        });
}

#[divan::bench(sample_count = 20)]
fn photo_of_12_megapixels(bencher: divan::Bencher<'_, '_>) {
    bench(bencher, 1);
}

#[divan::bench(sample_count = 20)]
fn photo_of_12_megapixels_on_its_side(bencher: divan::Bencher<'_, '_>) {
    bench(bencher, 6);
}
