//! A disk that can be full: a small tmpfs with a file of ballast.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Tool;
use super::mount::{self, Mount};

/// The disk.
#[derive(Debug)]
pub struct SmallDisk {
    mount: Mount,
}

impl SmallDisk {
    /// A fresh, empty disk of this size.
    pub fn new(mebibytes: u64) -> Result<Tool<Self>> {
        if let Some(why) = mount::missing(&[]) {
            return Ok(Tool::Missing(why));
        }
        let disk = Self {
            mount: Mount::new()?,
        };
        let options = format!("size={mebibytes}m");
        let arguments = ["-t", "tmpfs", "-o", &options];
        if let Err(error) = disk.mount.mount(&arguments, Path::new("tmpfs")) {
            return Ok(Tool::Missing(format!("needs to mount a tmpfs ({error:#})")));
        }
        Ok(Tool::Ready(disk))
    }

    /// Where the disk is mounted.
    pub fn path(&self) -> PathBuf {
        self.mount.path()
    }

    /// Fills it to the last byte; more is added to the ballast when it was filled before.
    pub fn fill(&self) -> Result<()> {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(self.ballast())
            .context("no ballast")?;
        let mut block = vec![b'x'; 1 << 20];
        while !block.is_empty() {
            match file.write(&block) {
                Ok(0) => block.clear(),
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                    block.truncate(block.len() / 2);
                }
                Err(error) => return Err(error).context("the disk could not be filled"),
            }
        }
        Ok(())
    }

    /// Throws the ballast away.
    pub fn empty(&self) -> Result<()> {
        // Cut short first: whoever still holds the file open would hold its blocks as well.
        File::create(self.ballast()).context("no ballast")?;
        std::fs::remove_file(self.ballast()).context("no ballast")
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_full_disk_takes_nothing_until_it_is_emptied() {
        let Tool::Ready(disk) = SmallDisk::new(2).expect("made") else {
            return;
        };
        let file = disk.path().join("file");
        disk.fill().expect("filled");
        let error = fs::write(&file, b"one").expect_err("full");
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
        disk.empty().expect("emptied");
        fs::write(&file, b"one").expect("there is room");
        drop(disk);
        assert!(!file.exists());
    }
}
