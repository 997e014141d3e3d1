//! Changes to a file, found while it is read and made afterwards.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
};

/// More changes than any honest file needs; what asks for more is left as it is.
const MOST: usize = 100_000;

/// What comes in the place of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum With {
    /// These; none at all takes the range out.
    Bytes(Vec<u8>),
    /// As many zeros.
    Zeros,
}

/// Changes to one file, each of a range of its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Edits(Vec<(Range<u64>, With)>);

impl Edits {
    /// Takes a range out; neighbours become one.
    pub(super) fn drop(&mut self, range: Range<u64>) -> io::Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        if let Some((last, With::Bytes(with))) = self.0.last_mut()
            && with.is_empty()
            && last.end == range.start
        {
            last.end = range.end;
            return Ok(());
        }
        self.push(range, With::Bytes(Vec::new()))
    }

    /// Fills a range with zeros.
    pub(super) fn zero(&mut self, range: Range<u64>) -> io::Result<()> {
        self.push(range, With::Zeros)
    }

    /// Replaces a range.
    pub(super) fn put(&mut self, range: Range<u64>, bytes: Vec<u8>) -> io::Result<()> {
        self.push(range, With::Bytes(bytes))
    }

    fn push(&mut self, range: Range<u64>, with: With) -> io::Result<()> {
        if range.is_empty() && matches!(&with, With::Zeros) {
            return Ok(());
        }
        if self.0.len() >= MOST {
            // A file to download, then: nobody makes such pictures.
            let text = "too many parts to take out";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        self.0.push((range, with));
        Ok(())
    }

    /// Whether nothing changes.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How much shorter the file gets.
    pub(super) fn shrinks_by(&self) -> i64 {
        let one = |(range, with): &(Range<u64>, With)| match with {
            With::Bytes(bytes) => (range.end - range.start).cast_signed() - bytes.len() as i64,
            With::Zeros => 0,
        };
        self.0.iter().map(one).sum()
    }

    /// Makes the changes. The file is replaced as a whole when its length changes.
    ///
    /// # Errors
    /// What the disk says; the file may then be half changed, and is of no use.
    pub(super) fn apply(mut self, path: &Path) -> io::Result<()> {
        self.order();
        let keeps_length = self.0.iter().all(|(range, with)| match with {
            With::Bytes(bytes) => bytes.len() as u64 == range.end - range.start,
            With::Zeros => true,
        });
        if keeps_length {
            let mut file = OpenOptions::new().write(true).open(path)?;
            for (range, with) in &self.0 {
                file.seek(SeekFrom::Start(range.start))?;
                with.write(range, &mut file)?;
            }
            return Ok(());
        }
        let beside = beside(path);
        let written = self
            .copy(path, &beside)
            .and_then(|()| fs::rename(&beside, path));
        if written.is_err() {
            // What cannot be removed now is swept with the other leftovers.
            let _ = fs::remove_file(&beside);
        }
        written
    }

    /// In the order of the file, none over another: a hostile file may name a range thousands of times.
    fn order(&mut self) {
        self.0.sort_by_key(|(range, _)| (range.start, range.end));
        let mut last = 0;
        for (range, with) in &mut self.0 {
            if range.start < last {
                match with {
                    With::Zeros => {
                        range.start = last;
                        range.end = range.end.max(last);
                    }
                    With::Bytes(_) => *range = last..last,
                }
                if let With::Bytes(bytes) = with {
                    bytes.clear();
                }
            }
            last = range.end;
        }
    }

    fn copy(&self, path: &Path, beside: &Path) -> io::Result<()> {
        let mut from = BufReader::with_capacity(1 << 16, File::open(path)?);
        let mut to = BufWriter::with_capacity(1 << 16, create(beside)?);
        let mut at = 0;
        for (range, with) in &self.0 {
            io::copy(&mut (&mut from).take(range.start - at), &mut to)?;
            with.write(range, &mut to)?;
            from.seek(SeekFrom::Start(range.end))?;
            at = range.end;
        }
        io::copy(&mut from, &mut to)?;
        to.flush()
    }
}

impl With {
    fn write(&self, range: &Range<u64>, to: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Bytes(bytes) => to.write_all(bytes),
            Self::Zeros => io::copy(&mut io::repeat(0).take(range.end - range.start), to).map(drop),
        }
    }
}

/// The name under which the new version of a file is written.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// A new file that nobody else may read.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn applied(text: &[u8], edits: Edits) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        fs::write(&path, text).expect("written");
        edits.apply(&path).expect("applied");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        fs::read(path).expect("readable")
    }

    #[test]
    fn ranges_go_turn_to_zero_and_are_replaced() {
        let mut edits = Edits::default();
        edits.drop(2..4).expect("fits");
        edits.drop(4..5).expect("fits");
        edits.zero(6..8).expect("fits");
        edits.put(9..9, b"new".to_vec()).expect("fits");
        assert_eq!(edits.0.len(), 3, "neighbours become one");
        assert_eq!(edits.shrinks_by(), 0);
        assert_eq!(applied(b"0123456789", edits), b"015\0\x008new9");
    }

    #[test]
    fn ranges_over_one_another_are_done_once() {
        let mut edits = Edits::default();
        for _ in 0..1000 {
            edits.zero(0..8).expect("fits");
        }
        edits.put(4..6, b"xx".to_vec()).expect("fits");
        assert_eq!(applied(b"0123456789", edits), b"\0\0\0\0\0\0\0\x0089");
    }

    #[test]
    fn there_is_an_end_to_edits() {
        let mut edits = Edits::default();
        let refused = (0..=MOST as u64).find(|at| edits.drop(at * 3..at * 3 + 1).is_err());
        assert_eq!(refused, Some(MOST as u64));
    }

    proptest! {
        #[test]
        fn only_what_is_named_changes(text in proptest::collection::vec(1u8..255, 1..60), ranges in proptest::collection::vec((0u64..60, 0u64..9, any::<bool>()), 0..6)) {
            let mut edits = Edits::default();
            let mut expected: Vec<Option<u8>> = text.iter().copied().map(Some).collect();
            let (mut dropped, mut last) = (Vec::new(), 0);
            for (at, length, zero) in ranges {
                let start = at.min(text.len() as u64);
                let range = start..(start + length).min(text.len() as u64);
                if start < last { continue; }
                last = range.end;
                for index in range.clone() {
                    expected[index as usize] = Some(0);
                    if !zero { dropped.push(index as usize); }
                }
                if zero { edits.zero(range) } else { edits.drop(range) }.expect("fits");
            }
            for index in dropped { expected[index] = None; }
            let shorter = edits.shrinks_by();
            let result = applied(&text, edits);
            prop_assert_eq!(text.len() as i64 - result.len() as i64, shorter);
            prop_assert_eq!(result, expected.into_iter().flatten().collect::<Vec<_>>());
        }
    }
}
