//! The few deliberate writes to standard output and, before there is a log, to standard error.

use std::io::{self, ErrorKind, Write};

/// Writes a line to standard output.
///
/// # Errors
/// When nobody reads it.
pub(crate) fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Writes a line to standard error as it stands: for people who watch the start.
pub(crate) fn note(line: &str) {
    // There is nobody else to tell.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Writes sentences to standard error, each on its own line after the program's name.
pub(crate) fn complain(sentences: &str) {
    let mut out = io::stderr().lock();
    for sentence in sentences.lines() {
        // There is nobody else to tell.
        let _ = writeln!(out, "parlour: {sentence}");
    }
}

/// Whether the error only says that the reader of our output went away.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
