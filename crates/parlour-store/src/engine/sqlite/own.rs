//! The connection of the thread that commits messages. A whole batch runs on it without a change of
//! threads, which sqlx cannot give: there each statement goes to a thread and its rows come back.

use super::{BUSY, File, is_durable, unreachable_file};
use crate::fault::Fault;
use parlour_core::Error;
use rusqlite::{Connection, OpenFlags};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Statements that are kept prepared: more than a batch has.
const STATEMENTS: usize = 24;

/// A connection of one thread, replaced when it cannot be used any more.
pub(crate) struct Own {
    file: File,
    conn: Option<Connection>,
}

/// What work inside a transaction gives: its answer, and whether there is something to commit.
pub(crate) type Worked<T> = Result<(T, bool), Fault>;

/// A transaction that failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) fault: Fault,
    /// Nobody knows whether it was committed.
    pub(crate) is_doubtful: bool,
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            is_doubtful: false,
        }
    }
}

impl Own {
    /// Connects; the schema is there already.
    ///
    /// # Errors
    /// With a sentence for the operator: the file cannot be opened, or its commits would not be durable.
    pub(crate) fn open(file: File) -> Result<Self, Error> {
        let conn = connect(&file).map_err(|fault| {
            let error = fault.into_error();
            unreachable_file(&file.path, error)
        })?;
        Ok(Self {
            file,
            conn: Some(conn),
        })
    }

    /// Runs work in a transaction. Blocks: at most [`BUSY`] for other processes, and for the disk.
    ///
    /// A panic of the work is an internal error, and the connection is replaced.
    pub(crate) fn transact<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Worked<T>,
    ) -> Result<T, Failed> {
        let conn = match self.conn.take() {
            Some(conn) => conn,
            None => connect(&self.file).map_err(Fault::away)?,
        };
        let result = transact(&conn, work);
        // SQLite takes a transaction back by itself when the disk is full. Where it could not be
        // taken back, a new connection begins without it.
        if conn.is_autocommit() {
            self.conn = Some(conn);
        }
        result
    }
}

fn transact<T>(
    conn: &Connection,
    work: impl FnOnce(&Connection) -> Worked<T>,
) -> Result<T, Failed> {
    run(conn, "BEGIN IMMEDIATE").map_err(Fault::away)?;
    let worked = catch_unwind(AssertUnwindSafe(|| work(conn)))
        .unwrap_or_else(|_| Err(Fault::broken("a panic inside of a transaction")));
    let result = match worked {
        Ok((answer, true)) => match run(conn, "COMMIT") {
            Ok(()) => Ok(answer),
            Err(fault) => Err(Failed {
                fault,
                is_doubtful: true,
            }),
        },
        Ok((answer, false)) => run(conn, "ROLLBACK").map(|()| answer).map_err(Failed::from),
        Err(fault) => Err(fault.into()),
    };
    if !conn.is_autocommit() {
        // What comes of it shows in the connection's state.
        let _ = run(conn, "ROLLBACK");
    }
    result
}

fn run(conn: &Connection, sql: &str) -> Result<(), Fault> {
    conn.prepare_cached(sql)?.execute([])?;
    Ok(())
}

fn connect(file: &File) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(&file.path, flags)?;
    conn.busy_timeout(BUSY)?;
    for (name, value) in file.pragmas() {
        conn.pragma_update(None, name, value)?;
    }
    conn.pragma_update(None, "cache_size", "-4000")?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    let journal: String = conn.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    let synchronous: i64 = conn.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    if !file.is_scratch && !is_durable(&journal, synchronous) {
        return Err(Fault::broken(format!(
            "journal_mode={journal}, synchronous={synchronous}: a power cut may lose acknowledged messages"
        )));
    }
    Ok(conn)
}

#[cfg(test)]
mod tests;
