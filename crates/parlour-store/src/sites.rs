//! The server's look: one row of `meta`.

use crate::{
    engine::Conn,
    fault::Fault,
    sql::{Sql, args, sql},
    store::{Done, Scope, SqlStore},
};
use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use parlour_core::{
    Error,
    model::{Logo, Site},
    ports::{LogoChange, SiteChange, Sites},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const READ: Sql = sql!("SELECT value FROM meta WHERE key = 'site'");

/// There must be a row before it can be locked.
const MAKE: Sql =
    sql!("INSERT INTO meta (key, value) VALUES ('site', '{}') ON CONFLICT (key) DO NOTHING");

const LOCKED: Sql = sql!("SELECT value FROM meta WHERE key = 'site'"[lock]);

const SAVE: Sql = sql!("UPDATE meta SET value = $1 WHERE key = 'site'");

/// The look as it is kept; what is missing is as built in.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Kept {
    name: Option<String>,
    welcome: String,
    run_by: String,
    hue: Option<u16>,
    css: String,
    /// Media type and base64.
    logo: Option<(String, String)>,
    version: i64,
}

impl Kept {
    fn change(&mut self, change: &SiteChange) {
        let SiteChange {
            name,
            welcome,
            run_by,
            hue,
            css,
            logo,
        } = change;
        self.name = name.clone().or_else(|| self.name.take());
        self.hue = hue.or(self.hue);
        for (place, new) in [
            (&mut self.welcome, welcome),
            (&mut self.run_by, run_by),
            (&mut self.css, css),
        ] {
            if let Some(new) = new {
                place.clone_from(new);
            }
        }
        match logo {
            LogoChange::Keep => {}
            LogoChange::Remove => self.logo = None,
            LogoChange::Replace(logo) => {
                self.logo = Some((logo.media_type.clone(), STANDARD.encode(&logo.bytes)));
            }
        }
        self.version += 1;
    }

    fn site(self) -> Result<Site, Fault> {
        let built_in = Site::default();
        let logo = self.logo.map(|(media_type, text)| {
            let bytes = STANDARD.decode(text).map_err(Fault::broken)?;
            Ok::<_, Fault>(Logo { media_type, bytes })
        });
        Ok(Site {
            name: self.name.unwrap_or(built_in.name),
            welcome: self.welcome,
            run_by: self.run_by,
            hue: self.hue.unwrap_or(built_in.hue),
            css: self.css,
            logo: logo.transpose()?,
            version: self.version,
        })
    }
}

#[async_trait]
impl Sites for SqlStore {
    async fn site(&self) -> Result<Site, Error> {
        self.inner
            .read(|conn| {
                Box::pin(async move {
                    match conn.row(&READ, args![]).await? {
                        Some(row) => kept(&row.text(0)?)?.site(),
                        None => Ok(Site::default()),
                    }
                })
            })
            .await
    }

    async fn save_site(&self, change: SiteChange) -> Result<Site, Error> {
        let change = Arc::new(change);
        self.inner
            .write(Scope::NoRoom, move |conn| {
                Box::pin(save(conn, Arc::clone(&change)))
            })
            .await
    }
}

fn kept(text: &str) -> Result<Kept, Fault> {
    serde_json::from_str(text).map_err(Fault::broken)
}

async fn save(conn: &mut Conn, change: Arc<SiteChange>) -> Result<Done<Site>, Fault> {
    conn.run(&MAKE, args![]).await?;
    let Some(row) = conn.row(&LOCKED, args![]).await? else {
        return Err(Fault::broken("a row that was just made is gone"));
    };
    let mut site = kept(&row.text(0)?)?;
    site.change(&change);
    let text = serde_json::to_string(&site).map_err(Fault::broken)?;
    conn.run(&SAVE, args![text]).await?;
    Ok(Done::changed(site.site()?))
}
