//! The server's look that is kept.

use crate::{
    Error,
    model::{Logo, Site},
};
use async_trait::async_trait;

/// A change of the look. `None`: as it was.
#[derive(Clone, Debug, Default)]
pub struct SiteChange {
    /// New name.
    pub name: Option<String>,
    /// New headline.
    pub welcome: Option<String>,
    /// New word on who runs it.
    pub run_by: Option<String>,
    /// New hue.
    pub hue: Option<u16>,
    /// New style rules.
    pub css: Option<String>,
    /// New or no logo.
    pub logo: LogoChange,
}

/// What happens to the logo.
#[derive(Clone, Debug, Default)]
pub enum LogoChange {
    /// Stays.
    #[default]
    Keep,
    /// Goes.
    Remove,
    /// This one from now on.
    Replace(Logo),
}

/// The look.
#[async_trait]
pub trait Sites: Send + Sync {
    /// The look; the built-in one when nobody chose.
    async fn site(&self) -> Result<Site, Error>;
    /// Changes the look; answers it as it is now, with its version counted up.
    async fn save_site(&self, change: SiteChange) -> Result<Site, Error>;
}
