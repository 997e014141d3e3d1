//! One side of a copy: a connection of its own, and the few statements that a copy needs.

mod open;

use super::{
    shape::{Column, Table},
    value::{Kind, Value},
};
use crate::fault::Fault;
use futures_util::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection, Postgres, Row as _, Sqlite, SqliteConnection,
    postgres::{PgArguments, PgRow},
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

/// Rows that one statement brings into SQLite: their cells are parameters, of which it takes 32,766.
const SQLITE_ROWS: usize = 200;

/// A database that is read or written.
pub(super) enum Side {
    /// Held by us alone: while this connection lives, no other one is let in.
    Sqlite(SqliteConnection),
    /// As a source it is read in one transaction, which sees one moment.
    Postgres(PgConnection),
}

type Rows<'a> = BoxStream<'a, Result<Vec<Value>, Fault>>;

impl Side {
    /// The rows of a table in the order of its key, after this one.
    pub(super) fn rows<'a>(&'a mut self, table: &'a Table, after: Option<Vec<Value>>) -> Rows<'a> {
        let text = self.select(table, after.is_some());
        let after = after.unwrap_or_default();
        match self {
            Self::Sqlite(conn) => {
                let query = after
                    .into_iter()
                    .fold(sqlx::query(AssertSqlSafe(text)), bind_sqlite);
                let rows = query.fetch(conn).map_err(Fault::from);
                rows.and_then(async |row| sqlite_row(&row, table)).boxed()
            }
            Self::Postgres(conn) => {
                let query = after
                    .into_iter()
                    .fold(sqlx::query(AssertSqlSafe(text)), bind_postgres);
                let rows = query.fetch(conn).map_err(Fault::from);
                rows.and_then(async |row| postgres_row(&row, table)).boxed()
            }
        }
    }

    fn select(&self, table: &Table, goes_on: bool) -> String {
        let key: Vec<String> = table
            .key
            .iter()
            .map(|at| self.ordered(&table.columns[*at]))
            .collect();
        let key = key.join(", ");
        let (list, name, filter) = (table.list(), &table.name, table.filter());
        let after = if goes_on {
            let marks: Vec<String> = (1..=table.key.len()).map(|n| format!("${n}")).collect();
            format!(" AND ({key}) > ({})", marks.join(", "))
        } else {
            String::new()
        };
        format!("SELECT {list} FROM {name} WHERE {filter}{after} ORDER BY {key}")
    }

    /// A key's column so that both engines order it alike.
    fn ordered(&self, column: &Column) -> String {
        match (self, column.kind) {
            (Self::Postgres(_), Kind::Text) => format!("{} COLLATE \"C\"", column.name),
            _ => column.name.clone(),
        }
    }

    pub(super) async fn count(&mut self, table: &Table) -> Result<u64, Fault> {
        let text = format!(
            "SELECT COUNT(*) FROM {} WHERE {}",
            table.name,
            table.filter()
        );
        let count = self.number(text).await?;
        Ok(u64::try_from(count.unwrap_or(0)).unwrap_or(0))
    }

    pub(super) async fn has_rows(&mut self, table: &Table) -> Result<bool, Fault> {
        let text = format!(
            "SELECT CAST(1 AS BIGINT) FROM {} WHERE {} LIMIT 1",
            table.name,
            table.filter()
        );
        Ok(self.number(text).await?.is_some())
    }

    /// The newest id that a numbered table gave out, also of rows that are gone: none is given twice.
    pub(super) async fn next_id(&mut self, table: &Table) -> Result<Option<i64>, Fault> {
        if table.numbered.is_none() {
            return Ok(None);
        }
        let text = match self {
            Self::Sqlite(_) => format!(
                "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = '{}'",
                table.name
            ),
            Self::Postgres(conn) => format!(
                "SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {}",
                sequence(conn, table).await?
            ),
        };
        self.number(text).await
    }

    /// See [`next_id`](Self::next_id).
    pub(super) async fn set_next_id(&mut self, table: &Table, newest: i64) -> Result<(), Fault> {
        let name = &table.name;
        match self {
            Self::Sqlite(_) => {
                let gone = format!("DELETE FROM sqlite_sequence WHERE name = '{name}'");
                self.run(gone).await?;
                let text =
                    format!("INSERT INTO sqlite_sequence (name, seq) VALUES ('{name}', {newest})");
                self.run(text).await
            }
            Self::Postgres(conn) => {
                let sequence = sequence(conn, table).await?;
                let (value, is_called) = (newest.max(1), newest > 0);
                self.run(format!("SELECT setval('{sequence}', {value}, {is_called})"))
                    .await
            }
        }
    }

    /// Writes rows, in a transaction that is open.
    pub(super) async fn insert(
        &mut self,
        table: &Table,
        rows: Vec<Vec<Value>>,
    ) -> Result<(), Fault> {
        if rows.is_empty() {
            return Ok(());
        }
        match self {
            Self::Sqlite(conn) => {
                for some in rows.chunks(SQLITE_ROWS) {
                    let text = sqlite_insert(table, some.len());
                    let cells = some.iter().flatten().cloned();
                    let query = cells.fold(sqlx::query(AssertSqlSafe(text)), bind_sqlite);
                    query.execute(&mut *conn).await?;
                }
            }
            Self::Postgres(conn) => {
                let mut query = sqlx::query(AssertSqlSafe(postgres_insert(table)));
                for (at, column) in table.columns.iter().enumerate() {
                    query = bind_column(query, column.kind, &rows, at);
                }
                query.execute(conn).await?;
            }
        }
        Ok(())
    }

    /// Removes all rows; children before those that they refer to.
    pub(super) async fn clear(&mut self, tables: &[Table]) -> Result<(), Fault> {
        for table in tables.iter().rev() {
            self.run(format!("DELETE FROM {}", table.name)).await?;
        }
        Ok(())
    }

    pub(super) async fn meta(&mut self, key: &str) -> Result<Option<String>, Fault> {
        const READ: &str = "SELECT value FROM meta WHERE key = $1";
        Ok(match self {
            Self::Sqlite(conn) => {
                let value = sqlx::query_scalar(READ).bind(key);
                value.fetch_optional(conn).await?
            }
            Self::Postgres(conn) => {
                let value = sqlx::query_scalar(READ).bind(key);
                value.fetch_optional(conn).await?
            }
        })
    }

    pub(super) async fn set_meta(&mut self, key: &str, value: &str) -> Result<(), Fault> {
        const WRITE: &str = "INSERT INTO meta (key, value) VALUES ($1, $2) \
             ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        match self {
            Self::Sqlite(conn) => {
                sqlx::query(WRITE)
                    .bind(key)
                    .bind(value)
                    .execute(conn)
                    .await?;
            }
            Self::Postgres(conn) => {
                sqlx::query(WRITE)
                    .bind(key)
                    .bind(value)
                    .execute(conn)
                    .await?;
            }
        }
        Ok(())
    }

    pub(super) async fn forget_meta(&mut self, key: &str) -> Result<(), Fault> {
        self.run(format!("DELETE FROM meta WHERE key = '{key}'"))
            .await
    }

    pub(super) async fn begin(&mut self) -> Result<(), Fault> {
        let text = match self {
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
            Self::Postgres(_) => "BEGIN",
        };
        self.run(text.to_owned()).await
    }

    pub(super) async fn commit(&mut self) -> Result<(), Fault> {
        self.run("COMMIT".to_owned()).await
    }

    /// After much was written: lets the planner know.
    pub(super) async fn settle(&mut self) -> Result<(), Fault> {
        self.run("ANALYZE".to_owned()).await
    }

    pub(super) async fn close(self) {
        // All is committed; how the connection ends does not matter.
        match self {
            Self::Sqlite(conn) => drop(conn.close().await),
            Self::Postgres(conn) => drop(conn.close().await),
        }
    }

    async fn run(&mut self, text: String) -> Result<(), Fault> {
        match self {
            Self::Sqlite(conn) => {
                sqlx::raw_sql(AssertSqlSafe(text)).execute(conn).await?;
            }
            Self::Postgres(conn) => {
                sqlx::raw_sql(AssertSqlSafe(text)).execute(conn).await?;
            }
        }
        Ok(())
    }

    /// The first cell of the first row.
    async fn number(&mut self, text: String) -> Result<Option<i64>, Fault> {
        Ok(match self {
            Self::Sqlite(conn) => {
                let number = sqlx::query_scalar(AssertSqlSafe(text));
                number.fetch_optional(conn).await?
            }
            Self::Postgres(conn) => {
                let number = sqlx::query_scalar(AssertSqlSafe(text));
                number.fetch_optional(conn).await?
            }
        })
    }
}

/// The sequence behind a numbered table, quoted.
async fn sequence(conn: &mut PgConnection, table: &Table) -> Result<String, Fault> {
    let column = table.numbered.map_or("id", |at| &table.columns[at].name);
    let name: Option<String> = sqlx::query_scalar("SELECT pg_get_serial_sequence($1, $2)")
        .bind(&table.name)
        .bind(column)
        .fetch_one(conn)
        .await?;
    name.ok_or_else(|| Fault::broken(format!("{} has no sequence", table.name)))
}

fn sqlite_insert(table: &Table, rows: usize) -> String {
    let row = format!("({})", vec!["?"; table.columns.len()].join(", "));
    let rows = vec![row; rows].join(", ");
    format!(
        "INSERT INTO {} ({}) VALUES {rows}",
        table.name,
        table.list()
    )
}

fn postgres_insert(table: &Table) -> String {
    let columns = table.columns.iter().enumerate();
    let arrays: Vec<String> = columns
        .map(|(at, column)| {
            let kind = match column.kind {
                Kind::Int => "bigint",
                Kind::Text => "text",
                Kind::Bool => "boolean",
            };
            format!("${}::{kind}[]", at + 1)
        })
        .collect();
    format!(
        "INSERT INTO {} ({}) SELECT * FROM UNNEST({})",
        table.name,
        table.list(),
        arrays.join(", ")
    )
}

type SqliteQuery<'q> = Query<'q, Sqlite, SqliteArguments>;
type PgQuery<'q> = Query<'q, Postgres, PgArguments>;

fn bind_sqlite(query: SqliteQuery<'_>, value: Value) -> SqliteQuery<'_> {
    match value {
        Value::Null => query.bind(None::<i64>),
        Value::Int(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Bool(value) => query.bind(value),
    }
}

fn bind_postgres(query: PgQuery<'_>, value: Value) -> PgQuery<'_> {
    match value {
        Value::Null => query.bind(None::<i64>),
        Value::Int(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Bool(value) => query.bind(value),
    }
}

/// Binds a column of many rows as an array.
fn bind_column<'q>(query: PgQuery<'q>, kind: Kind, rows: &[Vec<Value>], at: usize) -> PgQuery<'q> {
    let cells = rows.iter().map(|row| &row[at]);
    match kind {
        Kind::Int => {
            let all: Vec<Option<i64>> = cells
                .map(|cell| match cell {
                    Value::Int(value) => Some(*value),
                    _ => None,
                })
                .collect();
            query.bind(all)
        }
        Kind::Text => {
            let all: Vec<Option<String>> = cells
                .map(|cell| match cell {
                    Value::Text(value) => Some(value.clone()),
                    _ => None,
                })
                .collect();
            query.bind(all)
        }
        Kind::Bool => {
            let all: Vec<Option<bool>> = cells
                .map(|cell| match cell {
                    Value::Bool(value) => Some(*value),
                    _ => None,
                })
                .collect();
            query.bind(all)
        }
    }
}

macro_rules! reads_rows {
    ($($name:ident: $row:ty;)*) => {
        $(fn $name(row: &$row, table: &Table) -> Result<Vec<Value>, Fault> {
            let columns = table.columns.iter().enumerate();
            let cells = columns.map(|(at, column)| {
                let cell = match column.kind {
                    Kind::Int => row.try_get_unchecked::<Option<i64>, _>(at)?.map(Value::Int),
                    Kind::Text => row.try_get_unchecked::<Option<String>, _>(at)?.map(Value::Text),
                    Kind::Bool => row.try_get_unchecked::<Option<bool>, _>(at)?.map(Value::Bool),
                };
                Ok(cell.unwrap_or(Value::Null))
            });
            cells.collect()
        })*
    };
}

reads_rows! {
    sqlite_row: SqliteRow;
    postgres_row: PgRow;
}
