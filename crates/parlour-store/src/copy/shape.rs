//! The tables that this program makes, asked of SQLite itself: a new migration needs no line here.

use super::value::Kind;
use crate::{fault::Fault, schema};
use parlour_core::Error;
use sqlx::{Row as _, SqliteConnection};

/// A table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// Which columns are its key, in the key's order.
    pub(super) key: Vec<usize>,
    /// The column whose values the database gives out, and never twice.
    pub(super) numbered: Option<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

impl Table {
    /// Its columns as a list for statements.
    pub(super) fn list(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
        names.join(", ")
    }

    /// What of it belongs to the database itself and does not travel.
    pub(super) fn filter(&self) -> &'static str {
        if self.name == "meta" {
            "key NOT IN ('probe', 'copy')"
        } else {
            "TRUE"
        }
    }
}

const NAMES: &str = "SELECT name FROM sqlite_master WHERE type = 'table' \
     AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> '_sqlx_migrations' ORDER BY name";

/// All tables; those that others refer to come first.
pub(super) async fn tables() -> Result<Vec<Table>, Error> {
    let mut model = schema::model().await?;
    read(&mut model).await.map_err(Fault::into_error)
}

async fn read(model: &mut SqliteConnection) -> Result<Vec<Table>, Fault> {
    let names: Vec<String> = sqlx::query_scalar(NAMES).fetch_all(&mut *model).await?;
    let mut left = Vec::new();
    for name in names {
        let parents: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT \"table\" FROM pragma_foreign_key_list($1)")
                .bind(&name)
                .fetch_all(&mut *model)
                .await?;
        left.push((table(model, name).await?, parents));
    }
    let mut tables: Vec<Table> = Vec::new();
    while !left.is_empty() {
        let waits = |parent: &String| !tables.iter().any(|table| table.name == *parent);
        let next = left.iter().position(|(table, parents)| {
            parents
                .iter()
                .all(|parent| *parent == table.name || !waits(parent))
        });
        let Some(next) = next else {
            return Err(Fault::broken("tables refer to each other in a circle"));
        };
        tables.push(left.remove(next).0);
    }
    Ok(tables)
}

async fn table(model: &mut SqliteConnection, name: String) -> Result<Table, Fault> {
    let rows = sqlx::query("SELECT name, type, pk FROM pragma_table_info($1) ORDER BY cid")
        .bind(&name)
        .fetch_all(model)
        .await?;
    let (mut columns, mut key, mut numbered) = (Vec::new(), Vec::new(), None);
    for (at, row) in rows.iter().enumerate() {
        let kind: String = row.try_get(1)?;
        let place: i64 = row.try_get(2)?;
        if kind == "INTEGER" {
            numbered = Some(at);
        }
        if place > 0 {
            key.push((place, at));
        }
        columns.push(Column {
            name: row.try_get(0)?,
            kind: match kind.as_str() {
                "INTEGER" | "BIGINT" => Kind::Int,
                "TEXT" => Kind::Text,
                "BOOLEAN" => Kind::Bool,
                other => {
                    return Err(Fault::broken(format!(
                        "{name} has a column of type {other}"
                    )));
                }
            },
        });
    }
    if key.is_empty() {
        return Err(Fault::broken(format!("{name} has no primary key")));
    }
    key.sort_unstable();
    Ok(Table {
        name,
        columns,
        key: key.into_iter().map(|(_, at)| at).collect(),
        numbered,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_tables_are_those_of_the_migrations_in_an_order_that_can_be_written() {
        let tables = tables().await.expect("tables");
        let at = |name: &str| {
            let found = tables.iter().position(|table| table.name == name);
            found.unwrap_or_else(|| panic!("no {name}"))
        };
        for name in ["meta", "messages", "events", "mentions", "files", "uploads"] {
            at(name);
        }
        for child in [
            "tokens",
            "account_names",
            "reactions",
            "reads",
            "room_users",
        ] {
            assert!(at("users") < at(child), "{child}");
        }
        assert!(at("rooms") < at("room_users"));
        let messages = &tables[at("messages")];
        assert_eq!(
            (messages.key.as_slice(), messages.numbered),
            (&[0][..], Some(0))
        );
        let reactions = &tables[at("reactions")];
        assert_eq!(
            (reactions.key.as_slice(), reactions.numbered),
            (&[0, 1, 2][..], None)
        );
        assert_eq!(tables[at("uploads")].numbered, None);
    }
}
