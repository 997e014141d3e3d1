//! The files of the theme: built into the binary, each replaceable by one of the same path in the
//! folder of `THEME_DIR`.

use rust_embed::{Embed, EmbeddedFile};
use std::{
    borrow::Cow,
    collections::BTreeSet,
    fs, io,
    path::{Component, Path, PathBuf},
};

#[derive(Embed)]
#[folder = "templates"]
struct Templates;

#[derive(Embed)]
#[folder = "assets"]
struct Assets;

#[derive(Embed)]
#[folder = "locales"]
struct Locales;

/// Debug builds read the files from the checkout: so a target folder that several checkouts share
/// must not take one's build for another's. Naming the folder makes Cargo compare it.
#[cfg(debug_assertions)]
const _: &str = env!("CARGO_MANIFEST_DIR");

/// Pages of the API's documents: part of the program, no part of the theme.
const DOCUMENTS: [&str; 4] = [
    "redoc-start.js",
    "redoc.html",
    "swagger-start.js",
    "swagger.html",
];

/// A folder of the theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// `templates/`.
    Templates,
    /// `assets/`.
    Assets,
    /// `locales/`.
    Locales,
}

impl Part {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Templates, Self::Assets, Self::Locales];

    /// The folder's name.
    pub(crate) const fn folder(self) -> &'static str {
        match self {
            Self::Templates => "templates",
            Self::Assets => "assets",
            Self::Locales => "locales",
        }
    }

    /// A built-in file.
    pub(crate) fn built_in(self, path: &str) -> Option<EmbeddedFile> {
        match self {
            Self::Templates => Templates::get(path),
            Self::Assets => Assets::get(path),
            Self::Locales => Locales::get(path),
        }
    }

    /// The paths of the built-in files.
    pub(crate) fn list_built_in(self) -> BTreeSet<String> {
        let paths: Vec<Cow<'static, str>> = match self {
            Self::Templates => Templates::iter().collect(),
            Self::Assets => Assets::iter()
                .filter(|path| !DOCUMENTS.contains(&path.as_ref()))
                .collect(),
            Self::Locales => Locales::iter().collect(),
        };
        paths.into_iter().map(Cow::into_owned).collect()
    }
}

/// Built-in files under those of a folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    folder: Option<PathBuf>,
}

impl Files {
    /// The files with those of `folder` in front.
    pub(crate) fn new(folder: Option<&Path>) -> Self {
        Self {
            folder: folder.map(Path::to_owned),
        }
    }

    /// A file's content: the folder's, else the built-in one.
    ///
    /// # Errors
    /// When the folder has the file but it cannot be read.
    pub(crate) fn read(&self, part: Part, path: &str) -> io::Result<Option<Cow<'static, [u8]>>> {
        if let Some(bytes) = self.read_own(part, path)? {
            return Ok(Some(Cow::Owned(bytes)));
        }
        Ok(part.built_in(path).map(|file| file.data))
    }

    /// A file's content if the folder has it.
    pub(crate) fn read_own(&self, part: Part, path: &str) -> io::Result<Option<Vec<u8>>> {
        let plain = Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let Some(folder) = self.folder.as_ref().filter(|_| plain) else {
            return Ok(None);
        };
        match fs::read(folder.join(part.folder()).join(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The paths of all files of a part.
    pub(crate) fn list(&self, part: Part) -> io::Result<BTreeSet<String>> {
        let mut paths = part.list_built_in();
        paths.extend(self.list_own(part)?);
        Ok(paths)
    }

    /// The paths of the folder's files of a part.
    pub(crate) fn list_own(&self, part: Part) -> io::Result<BTreeSet<String>> {
        let mut paths = BTreeSet::new();
        if let Some(folder) = &self.folder {
            walk(&folder.join(part.folder()), "", &mut paths)?;
        }
        Ok(paths)
    }
}

fn walk(folder: &Path, prefix: &str, paths: &mut BTreeSet<String>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        // A name that is not UTF-8 cannot be asked for; hidden files are editors' business.
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if name.starts_with('.') {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.path().is_dir() {
            walk(&entry.path(), &format!("{path}/"), paths)?;
        } else {
            paths.insert(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_replaces_and_adds_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let templates = folder.path().join("templates/parts");
        fs::create_dir_all(&templates).expect("made");
        fs::write(templates.join("own.html"), "mine").expect("written");
        fs::write(folder.path().join("templates/error.html"), "mine").expect("written");
        fs::write(folder.path().join("secret"), "no").expect("written");
        let files = Files::new(Some(folder.path()));
        let read = |path| files.read(Part::Templates, path).expect("readable");
        assert_eq!(read("error.html").as_deref(), Some(&b"mine"[..]));
        assert_eq!(read("parts/own.html").as_deref(), Some(&b"mine"[..]));
        assert!(read("login.html").is_some(), "built in");
        assert_eq!(read("../secret"), None);
        assert_eq!(read("nothing.html"), None);
        let list = files.list(Part::Templates).expect("listed");
        assert!(list.contains("parts/own.html") && list.contains("login.html"));
    }
}
