//! Which files there are, and where they hang.

mod attach;

pub(crate) use attach::{
    attach, attach_own, attachable, attachable_pairs, is_attachable, release_of_message,
    release_of_owner,
};

use crate::{
    engine::Conn,
    fault::Fault,
    sql::{Arg, Row, Sql, args, sql},
    store::{Done, Scope, SqlStore},
};
use async_trait::async_trait;
use parlour_core::{
    Error, FileId, MessageId, RoomId, Time, UserId,
    model::{File, KeptFile},
    ports::{Files, GalleryPage, NewFile, StageFile, Stored},
};
use std::sync::Arc;

/// Rows that one call releases at most.
const RELEASE_MOST: i64 = 1_000;

/// The columns that [`kept`] reads, from `files f`.
macro_rules! file_columns {
    () => {
        "f.id, f.data, f.owner_id, f.room_id, f.message_id, f.sha256, f.received, f.created_at"
    };
}

/// Whoever uploads waits here for the account's other uploads, so that the sum below holds.
const OWNER: Sql = sql!("SELECT id FROM users WHERE id = $1"[lock]);

const USED: Sql = sql!(
    "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM files \
     WHERE owner_id = $1 AND released_at IS NULL"
);

const STAGE: Sql = sql!(
    "INSERT INTO files (stem, owner_id, kind, size, data, sha256, received, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id"
);

const BY_STEM: Sql = sql!(
    "SELECT " [text file_columns!()] " FROM files f WHERE f.stem = $1 AND f.released_at IS NULL"
);

const OF_OWNER: Sql = sql!(
    "SELECT " [text file_columns!()] " FROM files f \
     WHERE f.id" [any 2] " AND f.owner_id = $1 AND f.released_at IS NULL"
);

const DROP: Sql = sql!(
    "UPDATE files SET released_at = $3 WHERE id" [any 2] " AND owner_id = $1 \
     AND message_id IS NULL AND released_at IS NULL"
);

const DROP_STALE: Sql = sql!(
    "UPDATE files SET released_at = $2 WHERE message_id IS NULL AND released_at IS NULL \
     AND id IN (SELECT id FROM files WHERE message_id IS NULL AND released_at IS NULL \
       AND created_at < $1 ORDER BY created_at LIMIT $3)"
);

const AFTER: Sql = sql!(
    "SELECT " [text file_columns!()] " FROM files f WHERE f.id > $1 AND f.released_at IS NULL \
     ORDER BY f.id LIMIT $2"
);

const RELEASED: Sql = sql!(
    "SELECT " [text file_columns!()] " FROM files f WHERE f.released_at IS NOT NULL \
     ORDER BY f.released_at LIMIT $1"
);

const FORGET: Sql = sql!("DELETE FROM files WHERE id" [any 1] " AND released_at IS NOT NULL");

const ALL: Sql = sql!(
    "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM files WHERE released_at IS NULL"
);

const OF_ONE: Sql = sql!(
    "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM files \
     WHERE owner_id = $1 AND released_at IS NULL"
);

const GALLERY: Sql = sql!(
    "SELECT " [text file_columns!()] " FROM files f \
     JOIN rooms r ON r.id = f.room_id AND r.ended_at IS NULL \
     WHERE f.room_id = $1 AND f.released_at IS NULL AND f.id < $2 \
     AND ($3 = '' OR f.kind = $3) ORDER BY f.id DESC LIMIT $4"
);

const KNOWN: Sql = sql!(
    "SELECT f.stem FROM files f WHERE f.stem IN (SELECT v.value->>0 FROM " [each 1] " v)"
);

#[async_trait]
impl Files for SqlStore {
    async fn stage_file(&self, file: NewFile) -> Result<StageFile, Error> {
        let file = Arc::new(file);
        self.inner
            .write(Scope::NoRoom, move |conn| {
                let file = Arc::clone(&file);
                Box::pin(async move { stage(conn, &file).await })
            })
            .await
    }

    async fn file(&self, stem: &str) -> Result<Option<KeptFile>, Error> {
        let stem: Arc<str> = stem.into();
        self.inner
            .read(move |conn| {
                let args = args![&*stem];
                Box::pin(async move {
                    let row = conn.row(&BY_STEM, args).await?;
                    row.as_ref().map(kept).transpose()
                })
            })
            .await
    }

    async fn files_of(&self, owner: UserId, ids: &[FileId]) -> Result<Vec<KeptFile>, Error> {
        let list = raw(ids);
        let mut found = self.many(&OF_OWNER, args![owner, list]).await?;
        let place = |file: &KeptFile| ids.iter().position(|id| *id == file.file.id);
        found.sort_by_key(place);
        Ok(found)
    }

    async fn drop_files(&self, owner: UserId, ids: &[FileId], at: Time) -> Result<u64, Error> {
        self.change(&DROP, args![owner, raw(ids), at]).await
    }

    async fn drop_stale_files(&self, before: Time, at: Time) -> Result<u64, Error> {
        self.change(&DROP_STALE, args![before, at, RELEASE_MOST])
            .await
    }

    async fn files_after(&self, after: FileId, most: i64) -> Result<Vec<KeptFile>, Error> {
        self.many(&AFTER, args![after.get(), most]).await
    }

    async fn released_files(&self, most: i64) -> Result<Vec<KeptFile>, Error> {
        self.many(&RELEASED, args![most]).await
    }

    async fn forget_files(&self, ids: &[FileId]) -> Result<(), Error> {
        self.change(&FORGET, args![raw(ids)]).await.map(|_| ())
    }

    async fn stored_files(&self, owner: Option<UserId>) -> Result<Stored, Error> {
        self.inner
            .read(move |conn| {
                Box::pin(async move {
                    let row = match owner {
                        Some(owner) => conn.row(&OF_ONE, args![owner]).await?,
                        None => conn.row(&ALL, args![]).await?,
                    };
                    let row = row.ok_or_else(|| Fault::broken("a sum has no row"))?;
                    Ok(Stored {
                        files: u64::try_from(row.int(0)?).unwrap_or(0),
                        bytes: u64::try_from(row.int(1)?).unwrap_or(0),
                    })
                })
            })
            .await
    }

    async fn gallery(&self, room: RoomId, page: GalleryPage) -> Result<Vec<KeptFile>, Error> {
        let kind = page.kind.map_or("", |kind| kind.as_str());
        let before = page.before.map_or(i64::MAX, FileId::get);
        self.many(&GALLERY, args![room, before, kind, page.most])
            .await
    }

    async fn known_stems(&self, stems: &[String]) -> Result<Vec<String>, Error> {
        let rows: Vec<[&String; 1]> = stems.iter().map(|stem| [stem]).collect();
        let list = serde_json::to_string(&rows).map_err(Error::internal)?;
        self.inner
            .read(move |conn| {
                let args = args![&list];
                Box::pin(async move {
                    let rows = conn.rows(&KNOWN, args).await?;
                    rows.iter().map(|row| row.text(0)).collect()
                })
            })
            .await
    }
}

impl SqlStore {
    async fn many(&self, sql: &'static Sql, args: Vec<Arg>) -> Result<Vec<KeptFile>, Error> {
        self.inner
            .read(move |conn| {
                let args = args.clone();
                Box::pin(async move {
                    let rows = conn.rows(sql, args).await?;
                    rows.iter().map(kept).collect()
                })
            })
            .await
    }

    pub(crate) async fn change(&self, sql: &'static Sql, args: Vec<Arg>) -> Result<u64, Error> {
        self.inner
            .write(Scope::NoRoom, move |conn| {
                let args = args.clone();
                Box::pin(async move { conn.run(sql, args).await.map(Done::changed) })
            })
            .await
    }
}

async fn stage(conn: &mut Conn, new: &NewFile) -> Result<Done<StageFile>, Fault> {
    if conn.row(&OWNER, args![new.owner]).await?.is_none() {
        return Ok(Done::unchanged(StageFile::NoOwner));
    }
    let size = new.file.size;
    if let Some(quota) = new.quota {
        let used = conn.row(&USED, args![new.owner]).await?;
        let used = used.map_or(Ok(0), |row| row.int(0))?;
        if u64::try_from(used).unwrap_or(0).saturating_add(size) > quota {
            return Ok(Done::unchanged(StageFile::OverQuota));
        }
    }
    let args = args![
        new.file.key.stem(),
        new.owner,
        new.file.kind.as_str(),
        i64::try_from(size).map_err(Fault::broken)?,
        serde_json::to_string(&new.file).map_err(Fault::broken)?,
        &new.sha256,
        &new.received,
        new.at,
    ];
    let row = conn.row(&STAGE, args).await?;
    let row = row.ok_or_else(|| Fault::broken("an insert without an id"))?;
    Ok(Done::changed(StageFile::Staged(KeptFile {
        file: Arc::new(File {
            id: FileId::new(row.int(0)?),
            ..new.file.clone()
        }),
        owner: new.owner,
        place: None,
        sha256: new.sha256.clone(),
        received: new.received.clone(),
        created_at: new.at,
    })))
}

/// A row of [`file_columns`].
fn kept(row: &Row) -> Result<KeptFile, Fault> {
    let mut file: File = serde_json::from_str(&row.text(1)?).map_err(Fault::broken)?;
    file.id = FileId::new(row.int(0)?);
    let room = row.opt_int(3)?.map(RoomId::new);
    Ok(KeptFile {
        file: Arc::new(file),
        owner: row.user(2)?,
        place: room.zip(row.opt_int(4)?.map(MessageId::new)),
        sha256: row.text(5)?,
        received: row.text(6)?,
        created_at: row.time(7)?,
    })
}

fn raw(ids: &[FileId]) -> Vec<i64> {
    ids.iter().map(|id| id.get()).collect()
}
