//! Uploads that may stop and go on.

use crate::{
    engine::Conn,
    fault::Fault,
    sql::{Row, Sql, args, sql},
    store::{Done, Scope, SqlStore},
};
use async_trait::async_trait;
use parlour_core::{
    Error, FileId, Time, UserId,
    ports::{BeginUpload, Upload, UploadLimits, UploadState, Uploads},
};
use std::sync::Arc;

/// Whoever begins one waits here for the account's others, so that the sums below hold.
const OWNER: Sql = sql!("SELECT id FROM users WHERE id = $1"[lock]);

const OPEN: Sql = sql!(
    "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT), \
     (SELECT CAST(COALESCE(SUM(f.size), 0) AS BIGINT) FROM files f \
      WHERE f.owner_id = $1 AND f.released_at IS NULL) \
     FROM uploads WHERE owner_id = $1 AND file_id IS NULL AND expires_at > $2"
);

const BEGIN: Sql = sql!(
    "INSERT INTO uploads (id, owner_id, size, name, alt, metadata, sure, whole, file_id, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
);

const FIND: Sql = sql!(
    "SELECT id, owner_id, size, name, alt, metadata, sure, whole, file_id, expires_at \
     FROM uploads WHERE id = $1 AND owner_id = $2 AND expires_at > $3"
);

const SAVE: Sql =
    sql!("UPDATE uploads SET sure = $2, whole = $3, file_id = $4, expires_at = $5 WHERE id = $1");

const END: Sql = sql!("DELETE FROM uploads WHERE id = $1");

const END_EXPIRED: Sql = sql!("DELETE FROM uploads WHERE expires_at <= $1");

const FORGET_OF_OWNER: Sql = sql!("DELETE FROM uploads WHERE owner_id = $1");

const IDS: Sql = sql!("SELECT id FROM uploads");

#[async_trait]
impl Uploads for SqlStore {
    async fn begin_upload(
        &self,
        upload: Upload,
        limits: UploadLimits,
    ) -> Result<BeginUpload, Error> {
        let upload = Arc::new(upload);
        self.inner
            .write(Scope::NoRoom, move |conn| {
                let upload = Arc::clone(&upload);
                Box::pin(async move { begin(conn, &upload, limits).await })
            })
            .await
    }

    async fn upload(&self, owner: UserId, id: &str, at: Time) -> Result<Option<Upload>, Error> {
        let id: Arc<str> = id.into();
        self.inner
            .read(move |conn| {
                let args = args![&*id, owner, at];
                Box::pin(async move {
                    let row = conn.row(&FIND, args).await?;
                    row.as_ref().map(upload).transpose()
                })
            })
            .await
    }

    async fn save_upload(&self, id: &str, state: UploadState) -> Result<bool, Error> {
        let sure = state.sure.map(i64::try_from).transpose();
        let args = args![
            id,
            sure.map_err(Error::internal)?,
            state.whole,
            state.file.map(FileId::get),
            state.expires_at,
        ];
        self.change(&SAVE, args).await.map(|rows| rows > 0)
    }

    async fn end_upload(&self, id: &str) -> Result<bool, Error> {
        self.change(&END, args![id]).await.map(|rows| rows > 0)
    }

    async fn end_expired_uploads(&self, at: Time) -> Result<u64, Error> {
        self.change(&END_EXPIRED, args![at]).await
    }

    async fn upload_ids(&self) -> Result<Vec<String>, Error> {
        self.inner
            .read(|conn| {
                Box::pin(async move {
                    let rows = conn.rows(&IDS, args![]).await?;
                    rows.iter().map(|row| row.text(0)).collect()
                })
            })
            .await
    }
}

async fn begin(
    conn: &mut Conn,
    new: &Upload,
    limits: UploadLimits,
) -> Result<Done<BeginUpload>, Fault> {
    if conn.row(&OWNER, args![new.owner]).await?.is_none() {
        return Ok(Done::unchanged(BeginUpload::NoOwner));
    }
    let open = conn.row(&OPEN, args![new.owner, limits.at]).await?;
    let open = open.ok_or_else(|| Fault::broken("a sum has no row"))?;
    if open.int(0)? >= limits.most {
        return Ok(Done::unchanged(BeginUpload::TooMany));
    }
    let used = unsigned(open.int(1)?).saturating_add(unsigned(open.int(2)?));
    if limits
        .quota
        .is_some_and(|quota| used.saturating_add(new.size) > quota)
    {
        return Ok(Done::unchanged(BeginUpload::OverQuota));
    }
    let sure = new.state.sure.map(i64::try_from).transpose();
    let args = args![
        &new.id,
        new.owner,
        i64::try_from(new.size).map_err(Fault::broken)?,
        &new.name,
        &new.alt,
        &new.metadata,
        sure.map_err(Fault::broken)?,
        new.state.whole,
        new.state.file.map(FileId::get),
        new.state.expires_at,
    ];
    conn.run(&BEGIN, args).await?;
    Ok(Done::changed(BeginUpload::Begun))
}

/// Forgets what an account has under way. The staged files are swept.
pub(crate) async fn forget_of_owner(conn: &mut Conn, owner: UserId) -> Result<(), Fault> {
    conn.run(&FORGET_OF_OWNER, args![owner]).await?;
    Ok(())
}

/// A row of [`FIND`].
fn upload(row: &Row) -> Result<Upload, Fault> {
    Ok(Upload {
        id: row.text(0)?,
        owner: row.user(1)?,
        size: unsigned(row.int(2)?),
        name: row.text(3)?,
        alt: row.text(4)?,
        metadata: row.text(5)?,
        state: UploadState {
            sure: row.opt_int(6)?.map(unsigned),
            whole: row.bool(7)?,
            file: row.opt_int(8)?.map(FileId::new),
            expires_at: row.time(9)?,
        },
    })
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
