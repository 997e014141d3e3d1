//! What the pages know of the site itself.

use serde::Serialize;

/// The site as templates see it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SiteView {
    name: String,
    welcome: String,
    run_by: String,
    hue: u16,
    logo_url: Option<String>,
    css_url: Option<String>,
}

impl SiteView {
    /// What the site is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Default for SiteView {
    /// A site of which nobody said anything. Empty texts are those that the templates' own texts
    /// stand for.
    fn default() -> Self {
        Self {
            name: "Parlour".to_owned(),
            welcome: String::new(),
            run_by: String::new(),
            hue: 185,
            logo_url: None,
            css_url: None,
        }
    }
}
