//! A disk whose power can be cut: an ext4 in a file, shut down so that whatever was not synced is
//! lost.
//!
//! The kernel's shutdown call with the flag "no log flush" drops all dirty data and every journal
//! transaction that was not committed, and refuses all writes from then on, as if the machine had
//! stopped; the next mount replays the journal, as after a real power cut. What it does not show: a
//! disk that lies about its own cache.

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::Tool;
use super::mount::{self, Mount};
use super::program;

/// `EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH` (linux/fs/ext4/ext4.h).
const SHUTDOWN: &str = "\
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))
";

/// The journal commits by itself only this seldom (seconds), so that nothing survives by luck.
const OPTIONS: &str = "loop,noatime,commit=300";

/// The disk.
#[derive(Debug)]
pub struct PowerDisk {
    mount: Mount,
}

impl PowerDisk {
    /// A fresh, empty, mounted disk of this size.
    pub fn new(mebibytes: u64) -> Result<Tool<Self>> {
        if let Some(why) = mount::missing(&["mkfs.ext4"]) {
            return Ok(Tool::Missing(why));
        }
        if !program::is_there("python3") && !program::is_there("xfs_io") {
            return Ok(Tool::Missing("needs python3 or xfs_io".to_owned()));
        }
        let disk = Self {
            mount: Mount::new()?,
        };
        let image = disk.image();
        File::create(&image)?.set_len(mebibytes << 20)?;
        let made = program::run(
            "mkfs.ext4",
            &["-q".as_ref(), "-F".as_ref(), image.as_os_str()],
        );
        made.context("the disk was not made")?;
        if let Err(error) = disk.mount.mount(&["-o", OPTIONS], &image) {
            return Ok(Tool::Missing(format!("needs loop devices ({error:#})")));
        }
        Ok(Tool::Ready(disk))
    }

    /// Where the disk is mounted.
    pub fn path(&self) -> PathBuf {
        self.mount.path()
    }

    /// Cuts the power: from now on nothing more reaches the disk, and every write fails.
    pub fn cut(&self) -> Result<()> {
        let path = self.path();
        let path = path.as_os_str();
        if program::is_there("python3") {
            program::run("python3", &["-c".as_ref(), SHUTDOWN.as_ref(), path])?;
        } else {
            // Without -f, xfs_io shuts down without flushing the log.
            let shutdown = ["-x".as_ref(), "-c".as_ref(), "shutdown".as_ref(), path];
            program::run("xfs_io", &shutdown)?;
        }
        let probe = self.path().join("probe");
        if File::create(&probe).is_ok() {
            bail!("the disk still takes writes after its power was cut");
        }
        Ok(())
    }

    /// The power comes back: the disk is mounted again, which replays its journal. All its users must
    /// have ended.
    pub fn restore(&self) -> Result<()> {
        self.mount.unmount().context("the disk is still in use")?;
        self.mount.mount(&["-o", OPTIONS], &self.image())
    }

    fn image(&self) -> PathBuf {
        self.mount.beside("image")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write as _;

    #[test]
    fn only_what_was_synced_survives_and_nothing_is_left_behind() {
        let Tool::Ready(disk) = PowerDisk::new(64).expect("made") else {
            // Where nothing may be mounted, the scenarios that need it are named as skipped.
            return;
        };
        let path = disk.path();
        let mut synced = File::create(path.join("synced")).expect("made");
        synced.write_all(b"safe").expect("written");
        synced.sync_all().expect("synced");
        fs::write(path.join("not-synced"), b"gone").expect("written");
        disk.cut().expect("cut");
        drop(synced);
        disk.restore().expect("mounted again");
        assert_eq!(fs::read(path.join("synced")).expect("read"), b"safe");
        let other = fs::read(path.join("not-synced")).unwrap_or_default();
        assert!(other.is_empty(), "{other:?} survived");
        drop(disk);
        assert!(!path.exists());
    }
}
