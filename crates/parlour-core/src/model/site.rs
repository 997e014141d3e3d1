//! How a server presents itself.

/// Hues are angles below this.
pub const MAX_HUE: u16 = 360;

/// What an administrator chose for this server's look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The server's name, 1 to 50 characters.
    pub name: String,
    /// The landing page's headline, at most 100 characters; empty: the built-in one.
    pub welcome: String,
    /// Who runs it, at most 200 characters; empty: not said.
    pub run_by: String,
    /// The brand's hue, an angle below [`MAX_HUE`].
    pub hue: u16,
    /// Style rules that come last, at most 64 KiB.
    pub css: String,
    /// A picture in place of the built-in mark.
    pub logo: Option<Logo>,
    /// Counts the changes: part of the URLs under which logo and rules are cached.
    pub version: i64,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            name: "Parlour".to_owned(),
            welcome: String::new(),
            run_by: String::new(),
            hue: 185,
            css: String::new(),
            logo: None,
            version: 0,
        }
    }
}

/// A small picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    /// `image/png`, `image/jpeg` or `image/webp`.
    pub media_type: String,
    /// At most 64 KiB.
    pub bytes: Vec<u8>,
}
