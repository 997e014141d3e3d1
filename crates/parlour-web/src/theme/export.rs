//! The built-in theme as files, to begin one's own with.

use super::files::Part;
use std::{fs, io, path::Path};

/// Writes every built-in template, asset and text below `folder`, which must not have any of the three
/// folders yet; answers how many files.
///
/// # Errors
/// When one of the folders is there already, or something cannot be written.
pub fn export(folder: &Path) -> io::Result<usize> {
    for part in Part::ALL {
        let place = folder.join(part.folder());
        if place.exists() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("{} is there already", place.display()),
            ));
        }
    }
    let mut count = 0;
    for part in Part::ALL {
        for path in part.list_built_in() {
            let Some(file) = part.built_in(&path) else {
                continue;
            };
            let place = folder.join(part.folder()).join(&path);
            if let Some(parent) = place.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(place, &file.data)?;
            count += 1;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Theme;

    #[test]
    fn what_is_written_is_a_theme_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("new");
        let count = export(&place).expect("written");
        assert!(count > 10, "{count}");
        assert!(place.join("templates/login.html").is_file());
        assert!(!place.join("assets/swagger.html").exists());
        Theme::load(Some(&place)).expect("it is a theme");
        let error = export(&place).expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }
}
