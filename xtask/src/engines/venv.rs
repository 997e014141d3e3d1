//! Programs from the Python registry, each in an environment of its own in the cache folder.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::find_program;
use crate::procs::Watch;

/// Installs these requirements, each with its version, where they are not there yet; answers the
/// environment's Python.
///
/// # Errors
/// When python3 or its module venv is missing, or the registry does not answer.
pub(crate) fn provide(watch: &Watch, name: &str, requirements: &str) -> Result<PathBuf> {
    let folder = folder(name)?;
    let python = folder.join("bin/python");
    let stamp = folder.join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|text| text == requirements) && python.is_file() {
        return Ok(python);
    }
    println!("installing {name} into {}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let system = find_program("python3").context("no python3 found")?;
    run(
        watch,
        Command::new(system).args(["-m", "venv"]).arg(&folder),
    )?;
    // Under another name until everything is there: it is the stamp.
    let wanted = folder.join("wanted.txt");
    fs::write(&wanted, requirements)?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--no-input"])
        .args(["--disable-pip-version-check", "--requirement"])
        .arg(&wanted);
    run(watch, &mut pip)?;
    fs::rename(wanted, stamp)?;
    Ok(python)
}

/// Where the environment of this name is.
///
/// # Errors
/// When nothing says where caches are.
pub(crate) fn folder(name: &str) -> Result<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = cache
        .or_else(home)
        .context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(cache.join("parlour").join(name))
}

fn run(watch: &Watch, command: &mut Command) -> Result<()> {
    let status = watch.stream(command)?.status;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}
