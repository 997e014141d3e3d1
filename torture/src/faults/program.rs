//! Small programs of the operating system, run to their end within a limit.

use std::ffi::OsStr;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

/// How long any of them may take. Making a file system of some 100 MiB takes well under a second.
const LIMIT: Duration = Duration::from_secs(30);

/// Whether a program of this name can be started.
pub fn is_there(name: &str) -> bool {
    find(name).is_some()
}

/// Where a program of this name is.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Programs for administrators are not on everybody's PATH.
    let more = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(more)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Runs a program and returns what it wrote to its standard output; its failure is an error with what
/// it wrote to the other.
pub fn run<S: AsRef<OsStr>>(name: &str, arguments: &[S]) -> Result<String> {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/sbin");
    let mut child = Command::new(name)
        .args(arguments)
        .env("PATH", path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{name} did not start"))?;
    let out = drain(child.stdout.take());
    let err = drain(child.stderr.take());
    let limit = Instant::now() + LIMIT;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > limit {
            child.kill()?;
            child.wait()?;
            bail!("{name} took longer than {LIMIT:?}");
        }
        thread::sleep(Duration::from_millis(2));
    };
    let out = out.join().unwrap_or_default();
    let err = err.join().unwrap_or_default();
    ensure!(
        status.success(),
        "{name} ended with {status}: {}",
        err.trim()
    );
    Ok(out)
}

/// Reads a pipe to its end beside the wait, so that a talkative program does not block on it.
fn drain(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read until an error is still worth showing.
            let _read = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_says_is_returned_and_its_failure_is_an_error() {
        assert_eq!(run("echo", &["one", "two"]).expect("it ran"), "one two\n");
        let error = run("sh", &["-c", "echo broken >&2; exit 3"]).expect_err("it failed");
        assert!(error.to_string().contains("broken"), "{error}");
        assert!(is_there("sh"));
        assert!(!is_there("no-such-program-anywhere"));
    }
}
