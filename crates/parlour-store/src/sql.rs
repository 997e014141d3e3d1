//! SQL text written once, its arguments, and its rows.
//!
//! `$N` markers work on both engines. The few places where the engines need other words are marked
//! by a bracket inside [`sql!`]:
//!
//! | bracket | meaning |
//! |---|---|
//! | `[any N]` | ` is one of` the integers of argument N |
//! | `[text x!()]` | the text of another macro |
//! | `[object x!()]` | the columns of another macro as one JSON array inside of another one |
//! | `[events]` | [`crate::rows::event_columns`] as rows of JSON, like `[array ...]` |
//! | `[each N]` | the elements of argument N, a JSON array, as rows with a column `value` |
//! | `[array "a, b"]` | the rows of an aggregate as one JSON text of arrays |
//! | `[lock]`, `[share]` | row locks; SQLite has one writer and needs none |
//! | `[room]` | the columns that [`crate::rows::room`] reads, from `rooms r` |

use crate::fault::Fault;
use parlour_core::{FileId, MessageId, RoomId, Time, TokenId, UserId};
use sqlx::{Row as _, postgres::PgRow, sqlite::SqliteRow};

/// One statement in the words of both engines.
pub(crate) struct Sql {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

macro_rules! sql {
    ($($part:tt)+) => {
        $crate::sql::Sql {
            sqlite: concat!($($crate::sql::part!(sqlite $part)),+),
            postgres: concat!($($crate::sql::part!(postgres $part)),+),
        }
    };
}

macro_rules! part {
    ($engine:ident $text:literal) => { $text };
    (sqlite [any $n:literal]) => { concat!(" IN (SELECT value FROM json_each($", $n, "))") };
    (postgres [any $n:literal]) => { concat!(" = ANY($", $n, "::bigint[])") };
    ($engine:ident [text $text:expr]) => { $text };
    (sqlite [array $columns:expr]) => { concat!("json_group_array(json_array(", $columns, "))") };
    (postgres [array $columns:expr]) => { concat!("json_agg(json_build_array(", $columns, "))::text") };
    (sqlite [object $columns:expr]) => { concat!("json_array(", $columns, ")") };
    (postgres [object $columns:expr]) => { concat!("json_build_array(", $columns, ")") };
    (sqlite [events]) => {
        concat!("json_group_array(json_array(", $crate::rows::event_columns!(sqlite), "))")
    };
    (postgres [events]) => {
        concat!("json_agg(json_build_array(", $crate::rows::event_columns!(postgres), "))::text")
    };
    (sqlite [each $n:literal]) => { concat!("json_each($", $n, ")") };
    (postgres [each $n:literal]) => { concat!("json_array_elements($", $n, "::json)") };
    (sqlite [lock]) => { "" };
    (postgres [lock]) => { " FOR UPDATE" };
    (sqlite [share]) => { "" };
    (postgres [share]) => { " FOR SHARE" };
    ($engine:ident [room]) => {
        "r.id, r.name, r.topic, r.kind, r.owner_id, r.max_users, r.created_at, r.updated_at, \
         r.expires_at, r.last_seq, r.message_count, \
         (SELECT string_agg(CAST(ru.user_id AS TEXT), ',' ORDER BY ru.since) FROM room_users ru \
          WHERE ru.room_id = r.id AND ru.state = 'member'), r.name_key, r.revision"
    };
}

pub(crate) use {part, sql};

/// An argument of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Int(Option<i64>),
    Text(Option<String>),
    Bool(bool),
    /// A list: a JSON text on SQLite, an array on PostgreSQL.
    Ints(Vec<i64>),
    /// A list of texts.
    Texts(Vec<Option<String>>),
}

macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::sql::Arg::from($value)),*] };
}

pub(crate) use args;

macro_rules! arg_from {
    ($($type:ty: $value:ident => $arg:expr;)*) => {
        $(impl From<$type> for Arg {
            fn from($value: $type) -> Self {
                $arg
            }
        })*
    };
}

arg_from! {
    i64: value => Self::Int(Some(value));
    Option<i64>: value => Self::Int(value);
    UserId: value => Self::Int(Some(value.get()));
    RoomId: value => Self::Int(Some(value.get()));
    MessageId: value => Self::Int(Some(value.get()));
    FileId: value => Self::Int(Some(value.get()));
    TokenId: value => Self::Int(Some(value.get()));
    Time: value => Self::Int(Some(value.as_micros()));
    Option<Time>: value => Self::Int(value.map(Time::as_micros));
    &str: value => Self::Text(Some(value.to_owned()));
    &String: value => Self::Text(Some(value.clone()));
    String: value => Self::Text(Some(value));
    Option<String>: value => Self::Text(value);
    bool: value => Self::Bool(value);
    Vec<i64>: value => Self::Ints(value);
    Vec<Option<String>>: value => Self::Texts(value);
}

/// A row of either engine; columns are read by position.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {
        impl Row {
            $($(#[$doc])*
            pub(crate) fn $name(&self, column: usize) -> Result<$type, Fault> {
                match self {
                    Self::Sqlite(row) => row.try_get_unchecked(column),
                    Self::Postgres(row) => row.try_get_unchecked(column),
                }
                .map_err(Fault::from)
            })*
        }
    };
}

getters! {
    int: i64;
    opt_int: Option<i64>;
    text: String;
    opt_text: Option<String>;
    bool: bool;
}

/// What is read alike from the rows of both drivers; columns by position.
pub(crate) trait Cells {
    fn int(&self, column: usize) -> Result<i64, Fault>;
    fn opt_int(&self, column: usize) -> Result<Option<i64>, Fault>;
    fn opt_text(&self, column: usize) -> Result<Option<String>, Fault>;
}

impl Cells for Row {
    fn int(&self, column: usize) -> Result<i64, Fault> {
        self.int(column)
    }

    fn opt_int(&self, column: usize) -> Result<Option<i64>, Fault> {
        self.opt_int(column)
    }

    fn opt_text(&self, column: usize) -> Result<Option<String>, Fault> {
        self.opt_text(column)
    }
}

impl Cells for rusqlite::Row<'_> {
    fn int(&self, column: usize) -> Result<i64, Fault> {
        self.get(column).map_err(Fault::from)
    }

    fn opt_int(&self, column: usize) -> Result<Option<i64>, Fault> {
        self.get(column).map_err(Fault::from)
    }

    fn opt_text(&self, column: usize) -> Result<Option<String>, Fault> {
        self.get(column).map_err(Fault::from)
    }
}

impl Row {
    pub(crate) fn user(&self, column: usize) -> Result<UserId, Fault> {
        self.int(column).map(UserId::new)
    }

    pub(crate) fn time(&self, column: usize) -> Result<Time, Fault> {
        self.int(column).map(Time::from_micros)
    }

    pub(crate) fn opt_time(&self, column: usize) -> Result<Option<Time>, Fault> {
        Ok(self.opt_int(column)?.map(Time::from_micros))
    }

    /// A JSON column made by `[array ...]`; NULL is an empty list.
    pub(crate) fn array<T: serde::de::DeserializeOwned>(
        &self,
        column: usize,
    ) -> Result<Vec<T>, Fault> {
        self.opt_text(column)?.map_or_else(
            || Ok(Vec::new()),
            |text| serde_json::from_str(&text).map_err(Fault::broken),
        )
    }
}
