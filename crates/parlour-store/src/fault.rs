//! What can go wrong below, sorted by what to do about it.

use parlour_core::Error;

/// What a driver said.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failure of the database.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The connection broke; another one may work.
    Lost(Cause),
    /// Another writer was faster (unique key, deadlock, serialization): try again from the start.
    Again(Cause),
    /// The database cannot do it now.
    Down(Cause),
    /// Nothing to be done.
    Final(Error),
}

impl Fault {
    /// Data that should not be there.
    pub(crate) fn broken(source: impl Into<Cause>) -> Self {
        Self::Final(Error::internal(source))
    }

    /// Whatever keeps us from a connection (it refuses us, is starting, is full), the database is away.
    pub(crate) fn away(self) -> Self {
        match self {
            Self::Final(error) => Self::Down(format!("{error:?}").into()),
            other => other,
        }
    }

    fn of(sort: Sort, cause: Cause) -> Self {
        match sort {
            Sort::Lost => Self::Lost(cause),
            Sort::Again => Self::Again(cause),
            Sort::Down => Self::Down(cause),
            Sort::Final => Self::Final(Error::internal(cause)),
        }
    }

    /// What the caller is told.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Lost(error) | Self::Down(error) => Error::unavailable(error),
            Self::Again(error) => Error::internal(error),
            Self::Final(error) => error,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        let sort = match &error {
            E::Io(_) | E::Tls(_) | E::Protocol(_) | E::WorkerCrashed => Sort::Lost,
            E::PoolTimedOut | E::PoolClosed | E::BeginFailed => Sort::Down,
            E::Database(database) => {
                let code = database.code().unwrap_or_default();
                let sqlite = database
                    .try_downcast_ref::<sqlx::sqlite::SqliteError>()
                    .is_some();
                if sqlite {
                    code.parse().map_or(Sort::Final, sort_sqlite)
                } else {
                    sort_postgres(&code)
                }
            }
            _ => Sort::Final,
        };
        Self::of(sort, error.into())
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map(|error| error.extended_code);
        Self::of(code.map_or(Sort::Final, sort_sqlite), error.into())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Lost,
    Again,
    Down,
    Final,
}

/// By SQLite's extended result code.
fn sort_sqlite(code: i32) -> Sort {
    match code & 0xff {
        // CONSTRAINT: UNIQUE, PRIMARYKEY, FOREIGNKEY, ROWID.
        19 if matches!(code, 2067 | 1555 | 787 | 2579) => Sort::Again,
        // BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN.
        5 | 6 | 8 | 10 | 13 | 14 => Sort::Down,
        _ => Sort::Final,
    }
}

fn sort_postgres(code: &str) -> Sort {
    match code {
        // The server is stopping, or ended this connection, such as one with a transaction that stood still.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => Sort::Lost,
        // Serialization failure, deadlock, unique and foreign key violations.
        "40001" | "40P01" | "23505" | "23503" => Sort::Again,
        // Statement timeout, lock timeout, read-only server, an end that nobody knows: not tried again.
        "57014" | "55P03" | "25006" | "40003" => Sort::Down,
        _ if code.starts_with("08") => Sort::Lost,
        // Out of disk, memory or connections.
        _ if code.starts_with("53") || code.starts_with("58") => Sort::Down,
        _ => Sort::Final,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn races_are_tried_again_and_outages_are_not_our_fault() {
        assert_eq!(sort_sqlite(2067), Sort::Again);
        assert_eq!(sort_sqlite(5), Sort::Down);
        assert_eq!(sort_sqlite(13), Sort::Down);
        assert_eq!(sort_sqlite(266), Sort::Down);
        assert_eq!(sort_sqlite(1), Sort::Final);
        assert_eq!(sort_postgres("40P01"), Sort::Again);
        assert_eq!(sort_postgres("40001"), Sort::Again);
        assert_eq!(sort_postgres("40003"), Sort::Down);
        assert_eq!(sort_postgres("57P01"), Sort::Lost);
        assert_eq!(sort_postgres("25P03"), Sort::Lost);
        assert_eq!(sort_postgres("08006"), Sort::Lost);
        assert_eq!(sort_postgres("53100"), Sort::Down);
        assert_eq!(sort_postgres("42601"), Sort::Final);
    }
}
