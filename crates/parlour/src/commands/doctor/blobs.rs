//! Are the files there that messages show, and nothing else?

use super::{Finding, Verdict};
use crate::{config::Config, database, output::say};
use parlour_core::{
    Error,
    files::{self, Audited, Trouble},
    model::KeptFile,
    ports::BlobKey,
};
use std::{fmt, path::Path, time::Duration};

const SUBJECT: &str = "blobs";

/// What was found, for the last line.
#[derive(Default)]
struct Counts {
    missing: u64,
    size: u64,
    overdue: u64,
    orphans: u64,
    orphaned_bytes: u64,
}

/// Why it stopped.
enum Stop {
    Unavailable(Error),
    NobodyReads(std::io::Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Unavailable(error)
    }
}

/// Prints a line for each file that is missing or of another size, and for each that belongs to
/// nobody; answers the line that sums them up.
///
/// # Errors
/// When nobody reads what it prints.
pub(super) async fn check(config: &Config) -> anyhow::Result<Finding> {
    match database::schema(config).await {
        Ok(Some((found, newest))) if found == newest => {}
        Ok(Some((found, newest))) => {
            return Ok(Finding::warn(
                SUBJECT,
                format!(
                    "Not looked at: the database has schema {found}, this program knows {newest}. \
                     The next start brings its tables up to date."
                ),
            ));
        }
        Ok(None) => return Ok(Finding::ok(SUBJECT, "There are none yet.")),
        Err(error) => {
            let text = format!("Not looked at, the database does not work: {error:#}");
            return Ok(Finding::fail(SUBJECT, text));
        }
    }
    let url = config.storage.blobs_url.expose();
    // Opening it would make it, and the doctor makes nothing.
    if let Some(folder) = url.strip_prefix("file://")
        && !Path::new(folder).is_dir()
    {
        let text = format!("The folder of files is not there: {folder}.");
        return Ok(Finding::fail(SUBJECT, text));
    }
    let app = match database::app_for_command(config).await {
        Ok(app) => app,
        Err(error) => return Ok(Finding::fail(SUBJECT, format!("Not looked at: {error:#}"))),
    };
    let mut counts = Counts::default();
    let tell = |trouble| {
        counts.add(&trouble);
        say(&line(&trouble).line()).map_err(Stop::NobodyReads)
    };
    let audited = files::audit(&app, tell).await;
    app.store().close().await;
    match audited {
        Ok(audited) => Ok(counts.sum(&audited)),
        Err(Stop::Unavailable(error)) => {
            let text = format!("The look at them ended: {:#}", database::explain(&error));
            Ok(Finding::fail(SUBJECT, text))
        }
        Err(Stop::NobodyReads(error)) => Err(error.into()),
    }
}

impl Counts {
    fn add(&mut self, trouble: &Trouble) {
        match trouble {
            Trouble::Missing { .. } => self.missing += 1,
            Trouble::Size { .. } => self.size += 1,
            Trouble::Orphan { entry, overdue } => {
                self.orphans += 1;
                self.overdue += u64::from(*overdue);
                self.orphaned_bytes += entry.size;
            }
        }
    }

    fn sum(&self, audited: &Audited) -> Finding {
        let verdict = match (self.missing + self.size, self.overdue) {
            (0, 0) => Verdict::Ok,
            (0, _) => Verdict::Warn,
            _ => Verdict::Fail,
        };
        let text = format!(
            "{} files with {} bytes: {} missing, {} of another size. {} blobs, {} of them without a \
             file ({} bytes; {} for longer than an hour).",
            audited.files,
            audited.bytes,
            self.missing,
            self.size,
            audited.blobs,
            self.orphans,
            self.orphaned_bytes,
            self.overdue,
        );
        Finding::new(SUBJECT, verdict, text)
    }
}

fn line(trouble: &Trouble) -> Finding {
    match trouble {
        Trouble::Missing { key, file } => {
            Finding::fail("missing", format!("{} ({})", Of(key, file), Place(file)))
        }
        Trouble::Size { key, found, file } => {
            let text = format!(
                "{}: {found} bytes and not {} ({})",
                Of(key, file),
                file.file.size,
                Place(file)
            );
            Finding::fail("size", text)
        }
        Trouble::Orphan { entry, overdue } => {
            let verdict = if *overdue { Verdict::Warn } else { Verdict::Ok };
            let text = format!("{}: {} bytes, {}", entry.key, entry.size, age(entry.age));
            Finding::new("orphan", verdict, text)
        }
    }
}

/// A key, and of what it is a thumbnail.
struct Of<'a>(&'a BlobKey, &'a KeptFile);

impl fmt::Display for Of<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        if self.0.is_thumb() {
            write!(f, ", a thumbnail of {}", self.1.file.key)?;
        }
        Ok(())
    }
}

/// Where a file hangs.
struct Place<'a>(&'a KeptFile);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.place {
            Some((room, message)) => write!(f, "message {message} of room {room}"),
            None => write!(f, "uploaded by account {}, of no message yet", self.0.owner),
        }
    }
}

/// `2 h 5 min old`
fn age(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min old"),
        (hours, minutes) => format!("{hours} h {minutes} min old"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_hours_and_minutes() {
        let told = [59, 60, 3_600, 7_500, 360_000].map(|s| age(Duration::from_secs(s)));
        let expected = [
            "0 min old",
            "1 min old",
            "1 h 0 min old",
            "2 h 5 min old",
            "100 h 0 min old",
        ];
        assert_eq!(told, expected);
    }
}
