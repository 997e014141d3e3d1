//! A folder with a file system of its own below it, which goes away with the value, and with the
//! harness however that ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::program;

/// How long an unmount waits for the last user of a file system to let go.
const BUSY: Duration = Duration::from_secs(10);

/// Waits until its standard input ends, which happens when the harness drops it and also when the
/// harness is killed, then unmounts and removes. `umount` frees the loop device as well.
const JANITOR: &str = r#"
trap '' INT TERM HUP
cat >/dev/null
tries=0
while mountpoint -q "$1/fs"; do
    umount "$1/fs" 2>/dev/null && continue
    tries=$((tries + 1))
    # Only a server that the killed harness left behind can still be at home here.
    [ "$tries" -eq 20 ] && fuser -k -M -m "$1/fs" >/dev/null 2>&1
    if [ "$tries" -ge 50 ]; then umount -l "$1/fs"; break; fi
    sleep 0.1
done
rm -rf --one-file-system "$1"
"#;

/// Why nothing can be mounted here, if so.
pub fn missing(programs: &[&str]) -> Option<String> {
    if !xtask_is_root() {
        return Some("needs root".to_owned());
    }
    programs
        .iter()
        .chain(&["mount", "umount", "mountpoint"])
        .find(|name| !program::is_there(name))
        .map(|name| format!("needs the program {name}"))
}

fn xtask_is_root() -> bool {
    program::run("id", &["-u"]).is_ok_and(|uid| uid.trim() == "0")
}

/// The folder and its file system.
#[derive(Debug)]
pub struct Mount {
    folder: PathBuf,
    janitor: Child,
    hold: Option<ChildStdin>,
}

impl Mount {
    /// Makes the folder; nothing is mounted yet.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("parlour-torture-")
            .tempdir()?
            .keep();
        fs::create_dir(folder.join("fs"))?;
        let mut janitor = Command::new("sh")
            .args(["-c", JANITOR, "janitor"])
            .arg(&folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("sh did not start")?;
        let hold = janitor.stdin.take();
        Ok(Self {
            folder,
            janitor,
            hold,
        })
    }

    /// Where the file system is seen.
    pub fn path(&self) -> PathBuf {
        self.folder.join("fs")
    }

    /// For an image of the file system: a file beside it.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Mounts, with the arguments of `mount` before the place.
    pub fn mount(&self, arguments: &[&str], source: &Path) -> Result<()> {
        let mut all: Vec<std::ffi::OsString> = arguments.iter().map(Into::into).collect();
        all.push(source.into());
        all.push(self.path().into());
        program::run("mount", &all).map(drop)
    }

    /// Unmounts; waits a little for programs that are just ending.
    pub fn unmount(&self) -> Result<()> {
        let limit = Instant::now() + BUSY;
        loop {
            match program::run("umount", &[self.path()]) {
                Err(_) if Instant::now() < limit => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                other => return other.map(drop),
            }
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drop(self.hold.take());
        // The janitor is bounded; a failure to wait leaves it to finish alone.
        let _ended = self.janitor.wait();
    }
}
