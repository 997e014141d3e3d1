//! The data dir, the disk, the database.

use super::Finding;
use crate::{
    config::{Config, SecretUrl, secret::redact},
    database,
};
use rustix::fs::{Access, access, statvfs};
use std::{
    fs::{File, remove_file},
    io::Write,
    path::Path,
};

const DATA_DIR: &str = "data dir";

/// Writes a file into the data dir and takes it away again.
pub(super) fn data_dir(config: &Config) -> Finding {
    let path = &config.storage.data_dir;
    let shown = path.display();
    if !path.exists() {
        let home = existing(path);
        return if access(home, Access::WRITE_OK | Access::EXEC_OK).is_ok() && home.is_dir() {
            Finding::ok(DATA_DIR, format!("{shown} will be made at first start."))
        } else {
            Finding::fail(
                DATA_DIR,
                format!(
                    "{shown} cannot be made: {} is not writable.",
                    home.display()
                ),
            )
        };
    }
    if !path.is_dir() {
        return Finding::fail(DATA_DIR, format!("{shown} is not a folder."));
    }
    let probe = path.join(format!(".doctor-{}", std::process::id()));
    let written = File::create_new(&probe).and_then(|mut file| {
        file.write_all(b"probe")?;
        file.sync_all()
    });
    let removed = remove_file(&probe);
    match written.and(removed) {
        Ok(()) => Finding::ok(DATA_DIR, format!("{shown} is writable.")),
        Err(error) => Finding::fail(DATA_DIR, format!("{shown} is not writable: {error}.")),
    }
}

/// Looks how much room is left where the data dir is.
pub(super) fn disk_space(config: &Config) -> Finding {
    const SUBJECT: &str = "disk";
    match statvfs(existing(&config.storage.data_dir)) {
        Ok(disk) => judge_space(disk.f_bavail.saturating_mul(disk.f_frsize)),
        Err(error) => Finding::warn(SUBJECT, format!("The free space is not known: {error}.")),
    }
}

fn judge_space(free: u64) -> Finding {
    const SUBJECT: &str = "disk";
    const MIB: u64 = 1 << 20;
    let shown = format!("{} MiB are free for the data dir.", free / MIB);
    if free < 64 * MIB {
        Finding::fail(SUBJECT, shown)
    } else if free < 1024 * MIB {
        Finding::warn(SUBJECT, shown)
    } else {
        Finding::ok(SUBJECT, shown)
    }
}

/// Asks the database who it is.
pub(super) async fn database(config: &Config) -> Finding {
    const SUBJECT: &str = "database";
    match database::inspect(config).await {
        Ok(database::Health { sentence, worries }) if worries.is_empty() => {
            Finding::ok(SUBJECT, sentence)
        }
        Ok(database::Health { sentence, worries }) => {
            Finding::warn(SUBJECT, format!("{sentence} {}", worries.join(" ")))
        }
        Err(error) => Finding::fail(
            SUBJECT,
            format!("{} does not work: {error:#}", database::shown(config)),
        ),
    }
}

/// Asks Redis who it is.
pub(super) async fn redis(url: &SecretUrl) -> Finding {
    const SUBJECT: &str = "redis";
    match parlour_realtime::inspect_redis(url.expose()).await {
        Ok(found) => {
            let sentence = match found.shards {
                None => format!("Redis {} lets us in.", found.version),
                Some(shards) => format!(
                    "Redis {} lets us in: a cluster of {shards} shards and {} replicas.",
                    found.version, found.replicas
                ),
            };
            match found.clock {
                None => Finding::ok(SUBJECT, sentence),
                Some(clock) => Finding::warn(SUBJECT, format!("{sentence} {clock}")),
            }
        }
        Err(error) => Finding::fail(
            SUBJECT,
            format!("{} does not work: {error}.", redact(url.expose())),
        ),
    }
}

/// The program that looks for harmful files.
pub(super) async fn scanner(url: &str) -> Finding {
    const SUBJECT: &str = "scanner";
    // The settings refuse other addresses.
    let Some(clamd) = parlour_store::Clamd::at(url) else {
        return Finding::fail(SUBJECT, format!("{url} is no address of clamd."));
    };
    match clamd.version().await {
        Ok(version) => Finding::ok(SUBJECT, format!("{version} answers.")),
        Err(error) => {
            let why = crate::database::explain(&error);
            let text = format!("{url} does not answer, so every file is refused: {why}");
            Finding::fail(SUBJECT, text)
        }
    }
}

/// The path, or its nearest parent that is there.
fn existing(path: &Path) -> &Path {
    path.ancestors()
        .find(|path| path.exists())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn space() {
        assert_eq!(judge_space(0).verdict, Verdict::Fail);
        assert_eq!(judge_space(500 << 20).verdict, Verdict::Warn);
        assert_eq!(judge_space(5 << 30).verdict, Verdict::Ok);
    }

    #[test]
    fn nearest_parent() {
        assert_eq!(existing(Path::new("/no/such/thing")), Path::new("/"));
        assert_eq!(existing(Path::new("no/such/thing")), Path::new("."));
    }
}
