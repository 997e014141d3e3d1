//! Running other programs: their output is shown while it is read, and none outlives this one.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// What a program left behind.
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output and standard error, line by line, as they came.
    pub lines: Vec<String>,
}

#[derive(Default)]
struct Shared {
    interrupted: bool,
    /// Leader of the process group that runs now.
    group: Option<u32>,
}

/// Runs programs one at a time and ends the running one when this one is told to stop.
///
/// Each program gets a process group of its own, because cargo's children must end with it; so
/// Ctrl-C does not reach them by itself and is passed on here. Engines that run in the background
/// are no business of this type: they are values whose drop ends them.
pub struct Watch {
    shared: Arc<Mutex<Shared>>,
}

impl Watch {
    /// Begins to listen for Ctrl-C, SIGTERM and SIGHUP.
    pub fn install() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let shared = Arc::new(Mutex::new(Shared::default()));
        let seen = Arc::clone(&shared);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("no runtime for signals")?;
        let mut signals = {
            let _guard = runtime.enter();
            (
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
            )
        };
        thread::spawn(move || {
            runtime.block_on(async move {
                loop {
                    tokio::select! {
                        _ = signals.0.recv() => {}
                        _ = signals.1.recv() => {}
                        _ = signals.2.recv() => {}
                    }
                    interrupt(&seen);
                }
            });
        });
        Ok(Self { shared })
    }

    /// Whether somebody asked this program to stop.
    pub fn interrupted(&self) -> bool {
        lock(&self.shared).interrupted
    }

    /// Runs a program to its end, showing its output and keeping the lines.
    pub fn stream(&self, command: &mut Command) -> Result<Finished> {
        let mut child = self.spawn(command, Stdio::piped())?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let readers = [
            child.stdout.take().map(|pipe| {
                let lines = Arc::clone(&lines);
                thread::spawn(move || copy(pipe, std::io::stdout(), &lines))
            }),
            child.stderr.take().map(|pipe| {
                let lines = Arc::clone(&lines);
                thread::spawn(move || copy(pipe, std::io::stderr(), &lines))
            }),
        ];
        for reader in readers.into_iter().flatten() {
            // A reader ends with its pipe; one that died has only cost us lines.
            drop(reader.join());
        }
        let status = self.reap(&mut child)?;
        let lines = std::mem::take(&mut *lock(&lines));
        Ok(Finished { status, lines })
    }

    /// Runs a program to its end and returns its standard output; standard error is shown.
    pub fn capture(&self, command: &mut Command) -> Result<(ExitStatus, Vec<u8>)> {
        let mut child = self.spawn(command, Stdio::inherit())?;
        let mut output = Vec::new();
        if let Some(mut pipe) = child.stdout.take() {
            pipe.read_to_end(&mut output)?;
        }
        Ok((self.reap(&mut child)?, output))
    }

    fn spawn(&self, command: &mut Command, stderr: Stdio) -> Result<Child> {
        let name = command.get_program().to_string_lossy().into_owned();
        // The lock is held until the group is noted: a signal in between must not miss the child.
        let mut shared = lock(&self.shared);
        anyhow::ensure!(!shared.interrupted, "interrupted before {name} could start");
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .process_group(0)
            .spawn()
            .with_context(|| format!("{name} did not start"))?;
        shared.group = Some(child.id());
        Ok(child)
    }

    fn reap(&self, child: &mut Child) -> Result<ExitStatus> {
        let status = child.wait()?;
        lock(&self.shared).group = None;
        Ok(status)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first wish asks the running group to end, every further one ends it.
fn interrupt(shared: &Mutex<Shared>) {
    let mut shared = lock(shared);
    let signal = if shared.interrupted { "KILL" } else { "TERM" };
    shared.interrupted = true;
    if let Some(group) = shared.group {
        send(signal, &[format!("-{group}")]);
    }
}

fn copy(pipe: impl Read, mut shown: impl Write, lines: &Mutex<Vec<String>>) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    while pipe.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
        // A closed terminal is no reason to stop counting.
        drop(shown.write_all(&line).and_then(|()| shown.flush()));
        lock(lines).push(String::from_utf8_lossy(&line).trim_end().to_owned());
        line.clear();
    }
}

/// Sends a signal (`TERM`, `KILL`, `STOP`, ...) to processes, all in one call. Those that are gone
/// already are passed over.
pub fn signal(name: &str, pids: &[u32]) {
    let targets: Vec<String> = pids.iter().map(u32::to_string).collect();
    send(name, &targets);
}

/// The shell's own `kill`, because a minimal system has no other and std offers only SIGKILL.
fn send(signal: &str, targets: &[String]) {
    let script = "signal=$1; shift; kill -s \"$signal\" -- \"$@\" 2>/dev/null";
    // A target that has gone already is what was wanted.
    drop(
        Command::new("sh")
            .args(["-c", script, "kill", signal])
            .args(targets)
            .status(),
    );
}

/// Ends a child with the signal it expects, and with SIGKILL when it has not ended in time.
pub fn end(child: &mut Child, signal: &str, patience: Duration) -> Option<ExitStatus> {
    self::signal(signal, &[child.id()]);
    let limit = Instant::now() + patience;
    while Instant::now() < limit {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) => thread::sleep(Duration::from_millis(10)),
            Err(_) => break,
        }
    }
    drop(child.kill());
    drop(child.wait());
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_are_kept() {
        let watch = Watch::install().expect("signals");
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; exit 3"]);
        let mut finished = watch.stream(&mut command).expect("ran");
        finished.lines.sort();
        assert_eq!(finished.lines, ["one", "two"]);
        assert_eq!(finished.status.code(), Some(3));
    }

    #[test]
    fn standard_output_alone_is_captured() {
        let watch = Watch::install().expect("signals");
        let mut command = Command::new("sh");
        command.args(["-c", "printf out; echo noise >&2"]);
        let (status, output) = watch.capture(&mut command).expect("ran");
        assert!(status.success());
        assert_eq!(output, b"out");
    }

    #[test]
    fn an_interrupt_ends_the_running_group_and_refuses_the_next() {
        let watch = Watch::install().expect("signals");
        let shared = Arc::clone(&watch.shared);
        let hand = thread::spawn(move || {
            while lock(&shared).group.is_none() {
                thread::sleep(Duration::from_millis(5));
            }
            interrupt(&shared);
        });
        let started = Instant::now();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & wait"]);
        let finished = watch.stream(&mut command).expect("ran");
        hand.join().expect("sent");
        assert!(!finished.status.success());
        assert!(started.elapsed() < Duration::from_secs(30));
        assert!(watch.interrupted());
        assert!(watch.stream(&mut Command::new("true")).is_err());
    }

    #[test]
    fn a_child_that_ignores_the_signal_is_killed() {
        let mut child = Command::new("sh")
            .args(["-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut ready = [0; 3];
        let pipe = child.stdout.as_mut().expect("piped");
        pipe.read_exact(&mut ready).expect("ready");
        assert_eq!(end(&mut child, "TERM", Duration::from_millis(200)), None);
        assert!(child.try_wait().expect("waited").is_some());
    }
}
