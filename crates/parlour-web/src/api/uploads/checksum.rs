//! Checksums of what one request brings.

use super::Refusal;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// The algorithms, as OPTIONS tells them.
pub(super) const KNOWN: &str = "sha1,sha256";

/// A checksum to be compared.
pub(super) struct Checksum {
    hash: Hash,
    wanted: Vec<u8>,
}

enum Hash {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Checksum {
    /// Reads a header: the algorithm, a space, the checksum in base64.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        let (name, value) = text.split_once(' ').unwrap_or((text, ""));
        let (hash, length) = match name {
            "sha1" => (Hash::Sha1(Sha1::new()), 20),
            "sha256" => (Hash::Sha256(Sha256::new()), 32),
            _ => return Err(Refusal::UnknownChecksum),
        };
        let wanted = STANDARD.decode(value.trim()).unwrap_or_default();
        if wanted.len() != length {
            return Err(Refusal::Header("Upload-Checksum"));
        }
        Ok(Self { hash, wanted })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match &mut self.hash {
            Hash::Sha1(hash) => hash.update(bytes),
            Hash::Sha256(hash) => hash.update(bytes),
        }
    }

    /// Whether the bytes have it.
    pub(super) fn fits(self) -> bool {
        match self.hash {
            Hash::Sha1(hash) => hash.finalize()[..] == self.wanted[..],
            Hash::Sha256(hash) => hash.finalize()[..] == self.wanted[..],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_algorithm_and_the_value() {
        for text in [
            "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
            "sha256 uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
        ] {
            for (bytes, fits) in [("hello world", true), ("hello World", false)] {
                let Ok(mut checksum) = Checksum::parse(text) else {
                    panic!("{text}");
                };
                checksum.update(&bytes.as_bytes()[..5]);
                checksum.update(&bytes.as_bytes()[5..]);
                assert_eq!(checksum.fits(), fits, "{text} {bytes}");
            }
        }
        for text in [
            "sha1",
            "sha1 ",
            "sha1 AAAA",
            "sha256 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
        ] {
            assert!(
                matches!(Checksum::parse(text), Err(Refusal::Header(_))),
                "{text}"
            );
        }
        for text in ["", "md5 AAAA", "SHA1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="] {
            assert!(
                matches!(Checksum::parse(text), Err(Refusal::UnknownChecksum)),
                "{text}"
            );
        }
    }
}
