//! The server's look: read by everybody, changed by administrators.

use crate::{
    Actor, App, Error, Signal,
    error::{ADMIN_ONLY, Problem},
    given::{Given, Problems},
    model::{Logo, MAX_HUE, Site},
    ports::{LogoChange, SiteChange},
    rates::Key,
    text::{self, TextRule},
};
use std::sync::Arc;

/// Longest headline.
pub const MAX_WELCOME_CHARS: usize = 100;
/// Longest word on who runs the server.
pub const MAX_RUN_BY_CHARS: usize = 200;
/// Longest style rules, in bytes.
pub const MAX_CSS_BYTES: usize = 64 * 1024;
/// Largest logo, in bytes.
pub const MAX_LOGO_BYTES: usize = 64 * 1024;

/// New values; what is missing stays as it is.
#[derive(Clone, Debug, Default)]
pub struct UpdateSite {
    /// The name, 1 to 50 characters.
    pub name: Given<String>,
    /// The headline; empty: the built-in one.
    pub welcome: Given<String>,
    /// Who runs it; empty: not said.
    pub run_by: Given<String>,
    /// The hue, 0 to 359.
    pub hue: Given<i64>,
    /// Style rules.
    pub css: Given<String>,
    /// A new logo: a PNG, JPEG or WebP of at most [`MAX_LOGO_BYTES`].
    pub logo: Given<Vec<u8>>,
    /// Whether the logo goes.
    pub remove_logo: bool,
}

/// The look in force; remembered until it changes.
///
/// # Errors
/// When the store does not answer.
pub async fn get(app: &App) -> Result<Arc<Site>, Error> {
    let changes = {
        let remembered = app.remembered_site();
        if let Some(site) = &remembered.now {
            return Ok(Arc::clone(site));
        }
        remembered.changes
    };
    let site = Arc::new(app.store().site().await?);
    let mut remembered = app.remembered_site();
    if remembered.changes == changes {
        remembered.now = Some(Arc::clone(&site));
    }
    Ok(site)
}

/// Changes the look.
///
/// # Errors
/// [`ADMIN_ONLY`]; all bad fields at once.
pub async fn update(app: &App, actor: &Actor, input: UpdateSite) -> Result<Arc<Site>, Error> {
    if !actor.is_admin {
        return Err(ADMIN_ONLY.into());
    }
    app.limits().change.take(&Key::User(actor.user))?;
    save(app, input).await
}

/// [`update`] by the server itself.
pub(crate) async fn save(app: &App, input: UpdateSite) -> Result<Arc<Site>, Error> {
    let change = check(input)?;
    app.store().save_site(change).await?;
    app.tell(Signal::SiteChanged).await;
    get(app).await
}

/// The change that the input asks for.
///
/// # Errors
/// All bad fields at once.
pub(crate) fn check(input: UpdateSite) -> Result<SiteChange, Error> {
    let mut problems = Problems::default();
    let name = TextRule::name(text::MAX_SHORT_NAME_CHARS);
    let change = SiteChange {
        name: name.optional("name", input.name, &mut problems),
        welcome: TextRule::free(MAX_WELCOME_CHARS).optional(
            "welcome",
            input.welcome,
            &mut problems,
        ),
        run_by: TextRule::free(MAX_RUN_BY_CHARS).optional("run_by", input.run_by, &mut problems),
        hue: hue(input.hue, &mut problems),
        css: css(input.css, &mut problems),
        logo: if input.remove_logo {
            LogoChange::Remove
        } else {
            logo(input.logo, &mut problems)
        },
    };
    problems.check()?;
    Ok(change)
}

fn hue(given: Given<i64>, problems: &mut Problems) -> Option<u16> {
    let hue = given.optional("hue", problems)?;
    match u16::try_from(hue) {
        Ok(hue) if hue < MAX_HUE => Some(hue),
        _ => {
            problems.add(
                "hue",
                Problem::NotAChoice {
                    given: hue.to_string(),
                },
            );
            None
        }
    }
}

fn css(given: Given<String>, problems: &mut Problems) -> Option<String> {
    let css = given.optional("css", problems)?;
    if css.contains('\0') {
        problems.add("css", Problem::Nul);
    }
    if css.len() > MAX_CSS_BYTES {
        problems.add(
            "css",
            Problem::TooLong {
                max: MAX_CSS_BYTES,
                actual: css.len(),
            },
        );
    }
    Some(css)
}

fn logo(given: Given<Vec<u8>>, problems: &mut Problems) -> LogoChange {
    let Some(bytes) = given.optional("logo", problems) else {
        return LogoChange::Keep;
    };
    match media_type(&bytes) {
        Some(media_type) if bytes.len() <= MAX_LOGO_BYTES => LogoChange::Replace(Logo {
            media_type: media_type.to_owned(),
            bytes,
        }),
        _ => {
            problems.add(
                "logo",
                Problem::NotALogo {
                    kib: MAX_LOGO_BYTES / 1024,
                },
            );
            LogoChange::Keep
        }
    }
}

/// By the first bytes; the client's word is not taken.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_small_picture_is_refused() {
        for (bytes, fine) in [
            (b"\x89PNG\r\n\x1a\nrest".to_vec(), true),
            (b"<svg onload=alert(1)>".to_vec(), false),
            (Vec::new(), false),
            (
                [b"\x89PNG\r\n\x1a\n".to_vec(), vec![0; MAX_LOGO_BYTES]].concat(),
                false,
            ),
        ] {
            let result = check(UpdateSite {
                logo: Given::Value(bytes),
                ..UpdateSite::default()
            });
            assert_eq!(result.is_ok(), fine);
        }
    }

    #[test]
    fn hues_are_angles() {
        for (hue, fine) in [(0, true), (359, true), (360, false), (-1, false)] {
            let result = check(UpdateSite {
                hue: Given::Value(hue),
                ..UpdateSite::default()
            });
            assert_eq!(result.is_ok(), fine, "{hue}");
        }
    }
}
