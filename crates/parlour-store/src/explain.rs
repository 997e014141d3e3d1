//! Proof that what happens all the time looks into indexes, however much there is: the store is used on a
//! full PostgreSQL database, every statement that it sends is noted, and PostgreSQL is asked how it does it.
//!
//! The tests do it with 100,000 messages, `cargo xtask explain` with 1,000,000.

use crate::{
    options::Options,
    sql::{Arg, Sql},
};
use async_trait::async_trait;
use parlour_core::{
    Event, MessageId, RoomId, Signal, Time, UserId,
    model::{PageNumber, PageRequest, Sender},
    ports::{Announce, MessageChange, NewMessage, NewReaction, Span, Store},
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

/// A statement and its arguments.
type Sent = (&'static str, Vec<Arg>);

/// What was sent since somebody began to listen.
static NOTED: Mutex<Option<Vec<Sent>>> = Mutex::new(None);

/// A statement was sent.
pub(crate) fn note(sql: &Sql, args: &[Arg]) {
    if let Some(noted) = &mut *NOTED.lock().unwrap_or_else(PoisonError::into_inner) {
        noted.push((sql.postgres, args.to_vec()));
    }
}

/// Tables that no statement may read whole. The others (people, rooms, credentials, files) PostgreSQL may
/// read whole as long as they are [`SMALL`]: then that is faster than looking up the authors of a page.
const LARGE: [&str; 6] = [
    "messages",
    "events",
    "room_users",
    "mentions",
    "reactions",
    "reads",
];

/// So many rows are few enough to be read whole. With 1,000,000 messages there are five times as many people.
const SMALL: f64 = 20_000.0;

/// Most rows that one statement may touch: several pages of messages with what hangs on them. The page that
/// is asked for is 500 messages from the end.
const MOST: f64 = 3_000.0;

/// So often a statement is run before it is judged: PostgreSQL looks at the arguments five times, then it may
/// go on without.
const RUNS: usize = 7;

struct Nobody;

#[async_trait]
impl Announce for Nobody {
    async fn events(&self, _: Vec<Arc<Event>>) {}
    async fn signal(&self, _: Signal) {}
}

/// A full database. Every second message is in one room, the others are spread.
const FILL: &str = "
    INSERT INTO users (id, username, nickname, nickname_key, username_key, first_name, last_name,
        password_hash, is_active, is_admin, created_at, updated_at)
      SELECT i, 'u' || i, 'u' || i, 'u' || i, 'u' || i, '', '', 'x', TRUE, FALSE, 1, 1
      FROM generate_series(1, @N@ / 10) i;
    INSERT INTO tokens (user_id, hash, kind, label, created_at)
      SELECT id, 'h' || id, 'token', '', 1 FROM users;
    INSERT INTO rooms (id, name, name_key, topic, kind, owner_id, max_users, created_at, updated_at,
        expires_at, last_seq, message_count, member_count, revision, purged)
      SELECT i, 'r' || i, 'r' || i, '', 'GROUP', 1 + i % (@N@ / 10), 50, 1, i, 4000000000000000 + i,
        CASE WHEN i = 1 THEN @N@ / 2 ELSE 25 END, CASE WHEN i = 1 THEN @N@ / 2 ELSE 25 END, 10, 0, FALSE
      FROM generate_series(1, @N@ / 50 + 1) i;
    INSERT INTO room_users (room_id, user_id, state, since, at)
      SELECT i, 1 + (i * 7 + j * 13) % (@N@ / 10), 'member', 1, 1
      FROM generate_series(1, @N@ / 50) i, generate_series(0, 9) j ON CONFLICT DO NOTHING;
    INSERT INTO room_users (room_id, user_id, state, since, at) VALUES (1, 1, 'member', 1, 1)
      ON CONFLICT DO NOTHING;
    INSERT INTO reads (room_id, user_id, seq, at) SELECT room_id, user_id, 5, 1 FROM room_users;
    DROP INDEX messages_stream; DROP INDEX messages_nonce;
    INSERT INTO messages (room_id, seq, author_id, text, nonce, body_hash, created_at, updated_at, deleted)
      SELECT CASE WHEN i % 2 = 0 THEN 1 ELSE 2 + i / 2 % (@N@ / 50) END,
        CASE WHEN i % 2 = 0 THEN 1 + i / 2 ELSE 1 + i / 2 / (@N@ / 50) END,
        1 + i % (@N@ / 10), 'text ' || i, md5(i::text), md5(i::text), i, i, FALSE
      FROM generate_series(0, @N@ - 1) i;
    CREATE UNIQUE INDEX messages_stream ON messages (room_id, seq, deleted, author_id);
    CREATE UNIQUE INDEX messages_nonce ON messages (author_id, nonce);
    INSERT INTO events (room_id, seq, at, kind)
      SELECT i, 100 + j, 1, 'updated' FROM generate_series(@N@ / 100, @N@ / 50) i, generate_series(1, 9) j;
    INSERT INTO mentions (user_id, room_id, seq) SELECT 1 + i % (@N@ / 10), 1, i FROM generate_series(1, @N@ / 20) i;
    INSERT INTO reactions (message_id, emoji, user_id, room_id, seq, first_seq)
      SELECT i, '+', 1 + i % (@N@ / 10), 1, i, i FROM generate_series(1, @N@ / 20) i;
    INSERT INTO files (stem, owner_id, room_id, message_id, kind, size, data, sha256, received, created_at)
      SELECT 's' || i, 1 + i % (@N@ / 10), 1 + i % (@N@ / 50), i, 'image', 9, '{}', '', '', 1
      FROM generate_series(1, @N@ / 50) i;
    SELECT setval(pg_get_serial_sequence('rooms', 'id'), @N@);
    SELECT setval(pg_get_serial_sequence('users', 'id'), @N@);";

fn page_of(number: i64, size: i64) -> PageRequest {
    PageRequest {
        page: PageNumber::Nth(number),
        size,
    }
}

/// What happens all the time, by name.
async fn use_it(store: &Arc<dyn Store>, messages: i64) {
    let (ann, long) = (UserId::new(1), RoomId::new(1));
    let at = Time::from_micros(2_000_000_000_000_000);
    let said = |nonce: Option<&str>| NewMessage {
        room: long,
        author: ann,
        sender: Arc::new(Sender {
            nickname: "u1".to_owned(),
            hue: parlour_core::model::hue(ann, None),
        }),
        text: "hi".to_owned(),
        reply_to: None,
        reply_is_there: false,
        mentions: Vec::new(),
        files: Vec::new(),
        nonce: nonce.map(str::to_owned),
        at,
    };
    for nonce in [None, Some("mine"), Some("mine")] {
        let pending = store.append(said(nonce)).expect("a place in the queue");
        pending.wait().await.expect("stored");
    }
    let page = page_of;
    for room in [Some(long), None] {
        for number in [1, 11] {
            let found = store.messages_page(ann, room, page(number, 50)).await;
            found.expect("a page");
        }
    }
    let middle = messages / 4;
    for span in [
        Span::Newest,
        Span::After(0),
        Span::After(middle),
        Span::Before(middle),
    ] {
        let found = store.history(long, span, 100).await.expect("history");
        assert!(
            found.is_some_and(|found| found.events.len() == 100),
            "{span:?}"
        );
    }
    change_and_look(store, messages).await;
}

/// The same, of changes, rooms and people.
async fn change_and_look(store: &Arc<dyn Store>, messages: i64) {
    let (ann, long, other) = (UserId::new(1), RoomId::new(1), RoomId::new(2));
    let at = Time::from_micros(2_000_000_000_000_000);
    let (middle, page) = (messages / 4, page_of);
    let change = MessageChange {
        text: "changed".to_owned(),
        mentions: Vec::new(),
        files: None,
        at,
    };
    let reaction = NewReaction {
        user: ann,
        emoji: "*".to_owned(),
        on: true,
        at,
    };
    let of = |offset| MessageId::new(middle + offset);
    store.message(of(0)).await.expect("a message");
    store.messages_by_id(&[of(1), of(2)]).await.expect("two");
    store.edit_message(of(3), change).await.expect("edited");
    store.react(of(4), reaction, 20).await.expect("reacted");
    store.delete_message(of(5), at).await.expect("deleted");
    store.token("h7").await.expect("a token");
    store.revocations(0).await.expect("the log");
    store.hearings(ann).await.expect("rooms");
    store
        .hearings_of(&[ann, UserId::new(2)])
        .await
        .expect("rooms");
    store.rooms_of(ann, page(1, 20)).await.expect("rooms");
    store.room(other, ann).await.expect("a room");
    store.positions(&[long, other]).await.expect("positions");
    store
        .join(other, UserId::new(900), 250, at)
        .await
        .expect("joined");
    store
        .leave(other, UserId::new(900), at)
        .await
        .expect("left");
    store.unread(ann, None).await.expect("counts");
    store.unread(ann, Some(long)).await.expect("counts");
    store
        .mark_read(long, ann, 50, false, at)
        .await
        .expect("read");
    store.read_positions(long).await.expect("positions");
    store.expire_rooms(at).await.expect("none is due");
    store.released_files(100).await.expect("files");
    store.file("none").await.expect("no such file");
    store.stored_files(Some(ann)).await.expect("a sum");
    store.duty().await.expect("a mark");
}

/// A part of a plan that reads a table.
#[derive(Debug)]
struct Scan {
    how: String,
    table: String,
    rows: f64,
}

impl Scan {
    fn is_small(&self) -> bool {
        self.how == "Seq Scan" && self.rows <= SMALL && !LARGE.contains(&&*self.table)
    }
}

fn scans(node: &Value, found: &mut Vec<Scan>) {
    let number = |name: &str| node[name].as_f64().unwrap_or(0.0);
    if let Some(table) = node["Relation Name"].as_str()
        && node["Node Type"] != "ModifyTable"
        && node["Node Type"] != "LockRows"
    {
        let each = number("Actual Rows")
            + number("Rows Removed by Filter")
            + number("Rows Removed by Index Recheck");
        found.push(Scan {
            how: node["Node Type"].as_str().unwrap_or_default().to_owned(),
            table: table.to_owned(),
            rows: each * number("Actual Loops"),
        });
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        scans(child, found);
    }
}

fn literal(arg: &Arg) -> (String, &'static str) {
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let list = |items: Vec<String>| format!("ARRAY[{}]", items.join(","));
    let null = || "NULL".to_owned();
    match arg {
        Arg::Int(value) => (value.map_or_else(null, |value| value.to_string()), "bigint"),
        Arg::Text(value) => (value.as_deref().map_or_else(null, text), "text"),
        Arg::Bool(value) => (value.to_string(), "boolean"),
        Arg::Ints(values) => {
            let values = values.iter().map(i64::to_string).collect();
            (format!("{}::bigint[]", list(values)), "bigint[]")
        }
        Arg::Texts(values) => {
            let values = values.iter();
            let values = values.map(|value| value.as_deref().map_or_else(null, text));
            (format!("{}::text[]", list(values.collect())), "text[]")
        }
    }
}

/// How PostgreSQL did it: the first time, and when it knows the statement.
async fn plans(conn: &mut PgConnection, sql: &str, args: &[Arg]) -> Vec<Value> {
    let (values, types): (Vec<_>, Vec<_>) = args.iter().map(literal).unzip();
    let brackets = |list: String| {
        if args.is_empty() {
            list
        } else {
            format!("({list})")
        }
    };
    let types = brackets(types.join(","));
    run(conn, &format!("PREPARE asked{types} AS {sql}")).await;
    // What was inserted once cannot be inserted again.
    let analyze = !sql.trim_start().starts_with("INSERT");
    let mut found = Vec::new();
    for time in 0..RUNS {
        run(conn, "BEGIN").await;
        let values = brackets(values.join(","));
        let ask = format!("EXPLAIN (FORMAT JSON, ANALYZE {analyze}) EXECUTE asked{values}");
        let row = sqlx::raw_sql(AssertSqlSafe(ask))
            .fetch_one(&mut *conn)
            .await;
        let text: String = row.expect("a plan").try_get_unchecked(0).expect("a text");
        run(conn, "ROLLBACK").await;
        if time == 0 || time + 1 == RUNS {
            let plan: Value = serde_json::from_str(&text).expect("JSON");
            found.push(plan[0]["Plan"].clone());
        }
    }
    run(conn, "DEALLOCATE asked").await;
    found
}

async fn run(conn: &mut PgConnection, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(conn)
        .await;
    done.unwrap_or_else(|error| panic!("{error}: {sql}"));
}

/// A database of its own on the server of the tests; `None`: somebody said without.
async fn database(name: &str) -> Option<(PgConnection, String)> {
    let without = std::env::var("PARLOUR_TEST_WITHOUT").unwrap_or_default();
    let Ok(server) = std::env::var("PARLOUR_TEST_POSTGRES") else {
        assert!(without.contains("postgres"), "set PARLOUR_TEST_POSTGRES");
        return None;
    };
    let conn = PgConnection::connect(&format!("{server}/postgres")).await;
    let mut conn = conn.expect("the server");
    run(
        &mut conn,
        &format!("CREATE DATABASE {name} TEMPLATE template0"),
    )
    .await;
    Some((conn, format!("{server}/{name}")))
}

#[expect(clippy::print_stdout, reason = "its figures are worth reading")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hot_statements_use_indexes_and_touch_few_rows() {
    let messages = std::env::var("PARLOUR_EXPLAIN_MESSAGES").unwrap_or_default();
    let messages: i64 = messages.parse().unwrap_or(100_000);
    let name = format!("parlour_explain_{}", std::process::id());
    let Some((mut admin, url)) = database(&name).await else {
        return;
    };
    let options = Options {
        exclusive: false,
        ..Options::default()
    };
    let store = crate::store::open(&url, options, Arc::new(Nobody)).await;
    let store = store.expect("a store");
    let mut conn = PgConnection::connect(&url).await.expect("a connection");
    let begun = Instant::now();
    run(&mut conn, &FILL.replace("@N@", &messages.to_string())).await;
    run(&mut conn, "VACUUM ANALYZE").await;
    println!("{messages} messages in {:.1?}", begun.elapsed());

    *NOTED.lock().expect("nobody panicked") = Some(Vec::new());
    use_it(&store, messages).await;
    let noted = NOTED.lock().expect("nobody panicked").take();
    let mut complaints = String::new();
    let mut worst = BTreeMap::new();
    for (sql, args) in noted.expect("it was noted") {
        for plan in plans(&mut conn, sql, &args).await {
            let mut found = Vec::new();
            scans(&plan, &mut found);
            found.retain(|scan| !scan.is_small());
            let rows: f64 = found.iter().map(|scan| scan.rows).sum();
            let whole = |scan: &&Scan| scan.how == "Seq Scan" && LARGE.contains(&&*scan.table);
            let whole: Vec<_> = found.iter().filter(whole).map(|scan| &scan.table).collect();
            if !whole.is_empty() || rows > MOST {
                writeln!(
                    complaints,
                    "{rows} rows, whole tables {whole:?}: {sql}\n{found:#?}"
                )
                .expect("written");
            }
            let known = worst.entry(sql).or_insert(0.0);
            *known = rows.max(*known);
        }
    }
    store.close().await;
    conn.close().await.expect("closed");
    run(&mut admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    for (sql, rows) in &worst {
        println!("{rows:6} rows: {}", &sql[..sql.len().min(90)]);
    }
    assert!(
        worst.len() >= 25,
        "only {} statements were noted",
        worst.len()
    );
    assert!(complaints.is_empty(), "{complaints}");
}
