//! SECRET_KEY: given, or made at first start and kept in the data dir.

use crate::config::{Config, Secret};
use anyhow::{Context, ensure};
use parlour_core::ports::Random;
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

/// The file's name inside the data dir.
const FILE: &str = "secret_key";

/// The secret key in force.
///
/// # Errors
/// When the data dir can be neither read nor written, or holds something else under that name.
pub(crate) fn load(config: &Config, random: &dyn Random) -> anyhow::Result<Secret> {
    if let Some(given) = &config.security.given_secret_key {
        return Ok(given.clone());
    }
    make_data_dir(&config.storage.data_dir)?;
    let path = config.storage.data_dir.join(FILE);
    let made = match fs::exists(&path) {
        Ok(true) => Ok(()),
        Ok(false) => make(&path, random),
        Err(error) => Err(error.into()),
    };
    made.and_then(|()| read(&path))
        .with_context(|| format!("secret key in {}", path.display()))
}

/// Makes the data dir, for its owner only, unless it is there.
///
/// # Errors
/// When that is not allowed.
pub(crate) fn make_data_dir(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("data dir {} (PARLOUR_DATA_DIR)", path.display()))
}

fn read(path: &Path) -> anyhow::Result<Secret> {
    let text = fs::read_to_string(path)?;
    let key = text.trim();
    ensure!(
        key.len() >= 32,
        "too short; restore it from a backup, or delete it so that a new one is made (signed links and open forms then end)"
    );
    Ok(Secret::new(key))
}

/// Writes a new key beside the file and links it into its place: readers see all of it or nothing,
/// and of two processes that start at once one wins and both use its key.
fn make(path: &Path, random: &dyn Random) -> anyhow::Result<()> {
    let mut key = [0_u8; 32];
    random.fill(&mut key);
    let mut mark = [0_u8; 8];
    random.fill(&mut mark);
    let draft = path.with_extension(format!("{}.new", hex(&mark)));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| {
            writeln!(file, "{}", hex(&key))?;
            file.sync_all()
        })
        .and_then(|()| match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        });
    let removed = fs::remove_file(&draft);
    written.context("cannot be made; set SECRET_KEY instead")?;
    removed?;
    if let Some(dir) = path.parent() {
        fs::File::open(dir)?.sync_all()?;
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Surroundings;
    use parlour_core::ports::SystemRandom;
    use std::os::unix::fs::PermissionsExt;

    fn config(dir: &Path) -> Config {
        Config::load(&Surroundings {
            flags: [("PARLOUR_DATA_DIR", dir.display().to_string())].into(),
            directory: dir.to_owned(),
            ..Surroundings::default()
        })
        .expect("settings")
    }

    #[test]
    fn is_made_once_and_for_its_owner_only() {
        let dir = tempfile::tempdir().expect("a folder");
        let config = config(&dir.path().join("not/yet"));
        let one = load(&config, &SystemRandom).expect("a key");
        assert_eq!(one.expose().len(), 64);
        assert_eq!(load(&config, &SystemRandom).expect("a key"), one);
        let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode(&config.storage.data_dir), 0o700);
        assert_eq!(mode(&config.storage.data_dir.join(FILE)), 0o600);
        let files = fs::read_dir(&config.storage.data_dir).expect("a folder");
        assert_eq!(files.count(), 1, "no draft is left");
    }

    #[test]
    fn many_starting_at_once_agree() {
        let dir = tempfile::tempdir().expect("a folder");
        let config = config(dir.path());
        let keys: Vec<Secret> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| load(&config, &SystemRandom).expect("a key")))
                .collect();
            starts
                .into_iter()
                .map(|start| start.join().expect("no panic"))
                .collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn a_torn_file_is_not_trusted() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join(FILE), "abc\n").expect("written");
        let refusal = load(&config(dir.path()), &SystemRandom).expect_err("too short");
        assert!(format!("{refusal:#}").contains("too short"));
    }
}
