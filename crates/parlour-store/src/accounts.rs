//! Accounts.

mod delete;
mod first;
mod own;

use crate::{
    engine::Conn,
    fault::Fault,
    rows::{self, USER_COLUMNS, user_columns},
    sessions,
    sql::{Row, Sql, args, sql},
    store::{Done, Scope, SqlStore},
};
use async_trait::async_trait;
use parlour_core::{
    Error, Time, UserId,
    model::{Credentials, Page, PageRequest, Preferences, Sender, User},
    ports::{
        AccountKeys, Accounts, DeleteUser, EndWhich, FirstAdmin, NewUser, SaveUser, TakenField,
        UserChange,
    },
};
use std::sync::Arc;

const BY_ID: Sql = sql!("SELECT " [text user_columns!()] " FROM users u WHERE u.id = $1");

const LOCKED: Sql = sql!(
    "SELECT " [text user_columns!()] ", u.username_key, u.nickname_key, u.email_key, \
     u.password_hash FROM users u WHERE u.id = $1" [lock]
);

const BY_NICKNAME: Sql = sql!("SELECT id FROM users WHERE nickname_key = $1");

const BY_LOGIN: Sql = sql!(
    "SELECT " [text user_columns!()] ", u.password_hash FROM account_names n \
     JOIN users u ON u.id = n.user_id WHERE n.key = $1"
);

const WITH_PASSWORD: Sql = sql!(
    "SELECT " [text user_columns!()] ", u.password_hash FROM users u WHERE u.id = $1"
);

const COUNT: Sql = sql!("SELECT COUNT(*) FROM users");

const PAGE: Sql = sql!(
    "SELECT " [text user_columns!()] " FROM users u ORDER BY u.id DESC LIMIT $1 OFFSET $2"
);

/// 1: the username is taken, 2: the nickname, 3: the email.
const TAKEN: Sql = sql!(
    "SELECT 1 FROM account_names WHERE key = $1 AND user_id <> $4 \
     UNION SELECT 2 FROM users WHERE nickname_key = $2 AND id <> $4 \
     UNION SELECT 3 FROM account_names WHERE key = $3 AND user_id <> $4"
);

const CREATE: Sql = sql!(
    "INSERT INTO users (username, username_key, nickname, nickname_key, email, email_key, \
     first_name, last_name, password_hash, is_active, is_admin, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, TRUE, $10, $11, $11) RETURNING id"
);

const UPDATE: Sql = sql!(
    "UPDATE users SET username = $2, username_key = $3, nickname = $4, nickname_key = $5, \
     email = $6, email_key = $7, first_name = $8, last_name = $9, password_hash = $10, \
     is_active = $11, is_admin = $12, updated_at = $13, avatar_hue = $14 WHERE id = $1"
);

const REHASH: Sql =
    sql!("UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2 RETURNING id");

const UNNAME: Sql = sql!("DELETE FROM account_names WHERE user_id = $1");
const NAME: Sql = sql!("INSERT INTO account_names (key, user_id) VALUES ($1, $2)");

#[async_trait]
impl Accounts for SqlStore {
    async fn create_user(&self, new: NewUser) -> Result<SaveUser, Error> {
        let new = Arc::new(new);
        self.inner
            .write(Scope::NoRoom, move |conn| {
                Box::pin(create(conn, Arc::clone(&new)))
            })
            .await
    }

    async fn taken(
        &self,
        keys: AccountKeys,
        except: Option<UserId>,
    ) -> Result<Vec<TakenField>, Error> {
        let keys = Arc::new(keys);
        self.inner
            .read(move |conn| {
                let keys = Arc::clone(&keys);
                Box::pin(async move { taken(conn, &keys, except).await })
            })
            .await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, Error> {
        self.inner
            .read(|conn| {
                Box::pin(async move {
                    let row = conn.row(&BY_ID, args![id]).await?;
                    row.as_ref().map(rows::user).transpose()
                })
            })
            .await
    }

    async fn user_by_nickname(&self, key: &str) -> Result<Option<UserId>, Error> {
        let key: Arc<str> = key.into();
        self.inner
            .read(move |conn| {
                let args = args![&*key];
                Box::pin(async move {
                    let row = conn.row(&BY_NICKNAME, args).await?;
                    row.map(|row| row.user(0)).transpose()
                })
            })
            .await
    }

    async fn credentials_by_login(&self, key: &str) -> Result<Option<Credentials>, Error> {
        let key: Arc<str> = key.into();
        self.inner
            .read(move |conn| {
                let args = args![&*key];
                Box::pin(async move {
                    let row = conn.row(&BY_LOGIN, args).await?;
                    row.as_ref().map(credentials).transpose()
                })
            })
            .await
    }

    async fn credentials(&self, id: UserId) -> Result<Option<Credentials>, Error> {
        self.inner
            .read(|conn| {
                Box::pin(async move {
                    let row = conn.row(&WITH_PASSWORD, args![id]).await?;
                    row.as_ref().map(credentials).transpose()
                })
            })
            .await
    }

    async fn users_page(&self, page: PageRequest) -> Result<Option<Page<User>>, Error> {
        self.inner
            .read(|conn| Box::pin(users_page(conn, page)))
            .await
    }

    async fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        at: Time,
    ) -> Result<SaveUser, Error> {
        let change = Arc::new(change);
        self.inner
            .write(Scope::NoRoom, move |conn| {
                Box::pin(update(conn, id, Arc::clone(&change), at))
            })
            .await
    }

    async fn rehash(&self, id: UserId, old: String, new: String) -> Result<bool, Error> {
        let hashes = Arc::new((old, new));
        self.inner
            .write(Scope::NoRoom, move |conn| {
                let hashes = Arc::clone(&hashes);
                Box::pin(async move {
                    let args = args![id, &hashes.0, &hashes.1];
                    let done = conn.row(&REHASH, args).await?.is_some();
                    Ok(Done::changed(done))
                })
            })
            .await
    }

    async fn senders(&self, ids: &[UserId]) -> Result<Vec<(UserId, Sender)>, Error> {
        let ids: Arc<[i64]> = ids.iter().map(|id| id.get()).collect();
        self.inner
            .read(move |conn| {
                let ids = ids.to_vec();
                Box::pin(own::senders(conn, ids))
            })
            .await
    }

    async fn preferences(&self, id: UserId) -> Result<Option<Preferences>, Error> {
        self.inner
            .read(|conn| Box::pin(own::preferences(conn, id)))
            .await
    }

    async fn set_preferences(&self, id: UserId, preferences: Preferences) -> Result<bool, Error> {
        let text: Arc<str> = serde_json::to_string(&preferences)
            .map_err(Error::internal)?
            .into();
        self.inner
            .write(Scope::NoRoom, move |conn| {
                let text = Arc::clone(&text);
                Box::pin(async move { own::set_preferences(conn, id, &text).await })
            })
            .await
    }

    async fn has_admin(&self) -> Result<bool, Error> {
        self.inner
            .read(|conn| Box::pin(first::has_admin(conn)))
            .await
    }

    async fn set_setup_code(&self, hash: String, is_further: bool) -> Result<(), Error> {
        let hash: Arc<str> = hash.into();
        self.inner
            .write(Scope::NoRoom, move |conn| {
                let hash = Arc::clone(&hash);
                Box::pin(async move { first::set_code(conn, &hash, is_further).await })
            })
            .await
    }

    async fn create_first_admin(&self, code_hash: &str, new: NewUser) -> Result<FirstAdmin, Error> {
        let given = Arc::new((code_hash.to_owned(), Arc::new(new)));
        self.inner
            .write(Scope::NoRoom, move |conn| {
                let given = Arc::clone(&given);
                Box::pin(async move { first::create(conn, &given.0, Arc::clone(&given.1)).await })
            })
            .await
    }

    fn forget_sender(&self, id: UserId) {
        self.inner.hot.renamed(id);
    }

    async fn delete_user(&self, id: UserId, at: Time) -> Result<DeleteUser, Error> {
        self.inner
            .write(Scope::Rooms, move |conn| {
                Box::pin(delete::delete(conn, id, at))
            })
            .await
    }
}

fn credentials(row: &Row) -> Result<Credentials, Fault> {
    Ok(Credentials {
        user: rows::user(row)?,
        password_hash: row.text(USER_COLUMNS)?,
    })
}

async fn users_page(conn: &mut Conn, page: PageRequest) -> Result<Option<Page<User>>, Fault> {
    let count = match conn.row(&COUNT, args![]).await? {
        Some(row) => row.int(0)?,
        None => 0,
    };
    let Some(offset) = page.offset(count) else {
        return Ok(None);
    };
    let rows = conn.rows(&PAGE, args![page.size, offset]).await?;
    Ok(Some(Page {
        items: rows.iter().map(rows::user).collect::<Result<_, _>>()?,
        count,
        size: page.size,
    }))
}

async fn taken(
    conn: &mut Conn,
    keys: &AccountKeys,
    except: Option<UserId>,
) -> Result<Vec<TakenField>, Fault> {
    // Ids are positive: 0 is nobody.
    let except = except.map_or(0, UserId::get);
    let args = args![
        keys.username.clone(),
        keys.nickname.clone(),
        keys.email.clone(),
        except,
    ];
    let mut fields = Vec::new();
    for row in conn.rows(&TAKEN, args).await? {
        fields.push(row.int(0)?);
    }
    fields.sort_unstable();
    Ok(fields
        .into_iter()
        .map(|field| match field {
            1 => TakenField::Username,
            2 => TakenField::Nickname,
            _ => TakenField::Email,
        })
        .collect())
}

async fn create(conn: &mut Conn, new: Arc<NewUser>) -> Result<Done<SaveUser>, Fault> {
    let fields = taken(conn, &new.keys, None).await?;
    if !fields.is_empty() {
        return Ok(Done::unchanged(SaveUser::Taken(fields)));
    }
    let user = create_row(conn, &new, new.is_admin).await?;
    let ended = Vec::new();
    Ok(Done::changed(SaveUser::Saved { user, ended }))
}

/// Writes an account whose names are free.
async fn create_row(conn: &mut Conn, new: &NewUser, is_admin: bool) -> Result<User, Fault> {
    let (Some(username_key), Some(nickname_key)) = (&new.keys.username, &new.keys.nickname) else {
        return Err(Fault::broken("an account needs keys for its names"));
    };
    let args = args![
        &new.username,
        username_key,
        &new.nickname,
        nickname_key,
        new.email.clone(),
        new.keys.email.clone(),
        &new.first_name,
        &new.last_name,
        &new.password_hash,
        is_admin,
        new.at,
    ];
    // A parallel call with an equal key makes one of these inserts fail; the work is then done
    // again and finds the key taken.
    let Some(row) = conn.row(&CREATE, args).await? else {
        return Err(Fault::broken("an insert without an id"));
    };
    let id = row.user(0)?;
    name(conn, id, username_key, new.keys.email.as_deref()).await?;
    Ok(User {
        id,
        username: new.username.clone(),
        nickname: new.nickname.clone(),
        email: new.email.clone(),
        first_name: new.first_name.clone(),
        last_name: new.last_name.clone(),
        is_active: true,
        is_admin,
        avatar_hue: None,
        created_at: new.at,
    })
}

/// Claims the names by which an account logs in.
async fn name(
    conn: &mut Conn,
    id: UserId,
    username_key: &str,
    email_key: Option<&str>,
) -> Result<(), Fault> {
    conn.run(&NAME, args![username_key, id]).await?;
    if let Some(key) = email_key.filter(|key| *key != username_key) {
        conn.run(&NAME, args![key, id]).await?;
    }
    Ok(())
}

async fn update(
    conn: &mut Conn,
    id: UserId,
    change: Arc<UserChange>,
    at: Time,
) -> Result<Done<SaveUser>, Fault> {
    let Some(row) = conn.row(&LOCKED, args![id]).await? else {
        return Ok(Done::unchanged(SaveUser::Gone));
    };
    let change = Arc::unwrap_or_clone(change);
    let fields = taken(conn, &change.keys, Some(id)).await?;
    if !fields.is_empty() {
        return Ok(Done::unchanged(SaveUser::Taken(fields)));
    }
    let before = rows::user(&row)?;
    let username_key = change
        .keys
        .username
        .map_or_else(|| row.text(USER_COLUMNS), Ok)?;
    let nickname_key = change
        .keys
        .nickname
        .map_or_else(|| row.text(USER_COLUMNS + 1), Ok)?;
    let email_key = match &change.email {
        Some(None) => None,
        Some(Some(_)) => change.keys.email,
        None => row.opt_text(USER_COLUMNS + 2)?,
    };
    let shown = before.sender();
    let user = User {
        id,
        username: change.username.unwrap_or(before.username),
        nickname: change.nickname.unwrap_or(before.nickname),
        email: change.email.unwrap_or(before.email),
        first_name: change.first_name.unwrap_or(before.first_name),
        last_name: change.last_name.unwrap_or(before.last_name),
        is_active: change.is_active.unwrap_or(before.is_active),
        is_admin: change.is_admin.unwrap_or(before.is_admin),
        avatar_hue: change.avatar_hue.unwrap_or(before.avatar_hue),
        created_at: before.created_at,
    };
    conn.run(&UNNAME, args![id]).await?;
    name(conn, id, &username_key, email_key.as_deref()).await?;
    let ends = match (change.is_active, &change.password_hash, change.keep) {
        (Some(false), _, _) | (_, Some(_), None) => Some(EndWhich::All),
        (_, Some(_), Some(keep)) => Some(EndWhich::AllBut(keep)),
        _ => None,
    };
    let password_hash = change
        .password_hash
        .map_or_else(|| row.text(USER_COLUMNS + 3), Ok)?;
    let args = args![
        id,
        &user.username,
        username_key,
        &user.nickname,
        nickname_key,
        user.email.clone(),
        email_key,
        &user.first_name,
        &user.last_name,
        password_hash,
        user.is_active,
        user.is_admin,
        at,
        user.avatar_hue.map(i64::from),
    ];
    conn.run(&UPDATE, args).await?;
    let mut signals = vec![sessions::log_changed(conn, id, at).await?];
    let ended = match ends {
        Some(which) => sessions::end(conn, id, which).await?,
        None => Vec::new(),
    };
    if !ended.is_empty() {
        signals.push(sessions::log_ended(conn, id, &ended, at).await?);
    }
    let looks_new = shown != user.sender();
    let done = Done::changed(SaveUser::Saved { user, ended }).signals(signals);
    Ok(if looks_new { done.renamed(id) } else { done })
}
