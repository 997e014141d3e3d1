//! Opening the two sides, and looking whether they will do.

use super::Side;
use crate::{
    copy::{broke, shape::Table},
    engine::{postgres, sqlite},
    fault::Fault,
    schema,
    url::{Target, refuse},
};
use parlour_core::Error;

use std::{path::Path, time::Duration};

/// How often it is looked whether others have left, and the pause between: what a copy that was killed
/// left behind ends within this time.
const LOOKS: (u32, Duration) = (10, Duration::from_millis(200));

impl Side {
    /// Opens what is read.
    ///
    /// # Errors
    /// With a sentence for the operator.
    pub(in crate::copy) async fn source(target: &Target, tables: &[Table]) -> Result<Self, Error> {
        const NAME: &str = "source";
        let mut side = connect(target, NAME).await?;
        let found = side.schema().await.map_err(broke)?;
        if found < schema::NEWEST {
            return Err(refuse(format!(
                "The source has schema {found}, this program knows {}: bring it up to date first \
                 (`parlour migrate`).",
                schema::NEWEST
            )));
        }
        side.check(NAME, found, tables).await?;
        side.wait_for_users(NAME).await?;
        if let Self::Postgres(_) = side {
            let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
            side.run(begin.to_owned()).await.map_err(broke)?;
        }
        Ok(side)
    }

    /// Opens what is written; makes the tables of an empty database, and `seed` in its `meta` with them.
    ///
    /// # Errors
    /// With a sentence for the operator.
    pub(in crate::copy) async fn target(
        target: &Target,
        tables: &[Table],
        seed: schema::Seed<'_>,
    ) -> Result<Self, Error> {
        const NAME: &str = "target";
        if let Target::File(path) = target
            && !path.exists()
        {
            sqlite::prepare(path, seed).await?;
        }
        let mut side = connect(target, NAME).await?;
        let found = side.schema().await.map_err(broke)?;
        if found == 0 {
            if let Some(name) = side.foreign(tables).await.map_err(broke)? {
                return Err(refuse(format!(
                    "The target has a table {name} that Parlour did not make. Give the copy an empty \
                     database. Nothing was changed."
                )));
            }
        } else if found < schema::NEWEST {
            return Err(refuse(format!(
                "The target has the tables of an older Parlour (schema {found}, this program knows {}). \
                 Give the copy an empty database. Nothing was changed.",
                schema::NEWEST
            )));
        }
        // Looks at the server's version and settings too.
        side.close().await;
        match target {
            Target::File(path) => sqlite::prepare(path, seed).await?,
            Target::Postgres(servers) => {
                postgres::prepare(&postgres::writer(servers).await?, seed).await?;
            }
            Target::Scratch => {}
        }
        let mut side = connect(target, NAME).await?;
        let found = side.schema().await.map_err(broke)?;
        side.check(NAME, found, tables).await?;
        side.wait_for_users(NAME).await?;
        Ok(side)
    }

    /// The newest migration that ran; 0: none.
    async fn schema(&mut self) -> Result<i64, Fault> {
        let there = match self {
            Self::Sqlite(_) => "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'",
            Self::Postgres(_) => {
                "SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass('_sqlx_migrations')"
            }
        };
        if self.number(there.to_owned()).await? == Some(0) {
            return Ok(0);
        }
        let newest = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations";
        Ok(self.number(newest.to_owned()).await?.unwrap_or(0))
    }

    /// Whether it has the tables and columns of this program, and was migrated by nothing newer.
    async fn check(&mut self, name: &str, found: i64, tables: &[Table]) -> Result<(), Error> {
        if found > schema::NEWEST {
            return Err(refuse(format!(
                "The {name} has schema {found}, this program knows {}: a newer Parlour was there. Use that \
                 one. Nothing was changed.",
                schema::NEWEST
            )));
        }
        for table in tables {
            let columns = self.columns(table).await.map_err(broke)?;
            let missing = |column: &&super::Column| !columns.contains(&column.name);
            if let Some(column) = table.columns.iter().find(missing) {
                return Err(refuse(format!(
                    "The {name} has no column {} in its table {}. Nothing was changed.",
                    column.name, table.name
                )));
            }
            if columns.len() != table.columns.len() {
                return Err(refuse(format!(
                    "The {name}'s table {} has columns that this program does not know. Nothing was changed.",
                    table.name
                )));
            }
        }
        Ok(())
    }

    async fn columns(&mut self, table: &Table) -> Result<Vec<String>, Fault> {
        Ok(match self {
            Self::Sqlite(conn) => {
                let names = sqlx::query_scalar("SELECT name FROM pragma_table_info($1)");
                names.bind(&table.name).fetch_all(conn).await?
            }
            Self::Postgres(conn) => {
                let names = sqlx::query_scalar(
                    "SELECT attname::text FROM pg_attribute \
                     WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
                );
                names.bind(&table.name).fetch_all(conn).await?
            }
        })
    }

    /// A table of one of our names in a database that we did not make; in a file any table at all.
    async fn foreign(&mut self, tables: &[Table]) -> Result<Option<String>, Fault> {
        match self {
            Self::Sqlite(conn) => Ok(sqlx::query_scalar(
                "SELECT name FROM sqlite_master WHERE type = 'table' LIMIT 1",
            )
            .fetch_optional(conn)
            .await?),
            Self::Postgres(_) => {
                for table in tables {
                    if !self.columns(table).await?.is_empty() {
                        return Ok(Some(table.name.clone()));
                    }
                }
                Ok(None)
            }
        }
    }

    async fn wait_for_users(&mut self, name: &str) -> Result<(), Error> {
        for _ in 0..LOOKS.0 {
            if self.users().await.map_err(broke)?.is_none() {
                return Ok(());
            }
            tokio::time::sleep(LOOKS.1).await;
        }
        Err(in_use(name))
    }

    /// Says so when a server (or another command) uses this database. A SQLite file that is open here is
    /// open nowhere else.
    pub(in crate::copy) async fn users(&mut self) -> Result<Option<String>, Fault> {
        let Self::Postgres(conn) = self else {
            return Ok(None);
        };
        let others = postgres::others(conn).await?;
        Ok(
            (others > 0)
                .then(|| "A server began to use the source while it was copied.".to_owned()),
        )
    }
}

async fn connect(target: &Target, name: &str) -> Result<Side, Error> {
    match target {
        Target::File(path) => {
            if !path.exists() {
                let path = path.display();
                return Err(refuse(format!("The {name}, {path}, is not there.")));
            }
            sqlite_alone(path, name).await
        }
        Target::Scratch => Err(refuse(format!("The {name} is a scratch database."))),
        Target::Postgres(servers) => {
            let mut conn = postgres::connect(&postgres::writer(servers).await?).await?;
            sqlx::raw_sql("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
                .execute(&mut conn)
                .await
                .map_err(|error| broke(error.into()))?;
            Ok(Side::Postgres(conn))
        }
    }
}

/// Opens a file for ourselves: fails while anybody else has it open, and keeps them out afterwards.
async fn sqlite_alone(path: &Path, name: &str) -> Result<Side, Error> {
    let opened = async {
        let mut conn = sqlite::alone(path).await?;
        sqlx::raw_sql("BEGIN IMMEDIATE; COMMIT")
            .execute(&mut conn)
            .await?;
        Ok::<_, sqlx::Error>(conn)
    };
    match opened.await.map_err(Fault::from) {
        Ok(conn) => Ok(Side::Sqlite(conn)),
        Err(Fault::Down(cause)) if is_locked(&cause) => Err(in_use(name)),
        Err(fault) => Err(refuse(format!(
            "The {name}, {}, cannot be used: {}.",
            path.display(),
            crate::copy::said(fault)
        ))),
    }
}

fn is_locked(cause: &crate::fault::Cause) -> bool {
    cause.to_string().contains("locked")
}

fn in_use(name: &str) -> Error {
    refuse(format!(
        "A server (or another command) uses the {name}. Stop it first: what it writes meanwhile would not be \
         in the copy. Nothing was changed."
    ))
}
