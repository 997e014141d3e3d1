//! Batches of messages on SQLite in a file: from the call to the durable commit and the announcement.
//! `cargo bench -p parlour-store`; the file lies below the target folder, so its disk is what is measured.

use async_trait::async_trait;
use divan::{Bencher, counter::ItemsCount};
use parlour_core::{
    Event, RoomId, Signal, Time, UserId,
    model::{RoomKind, Sender},
    ports::{
        AccountKeys, Announce, Append, NewMessage, NewRoom, NewUser, SaveRoom, SaveUser, Store,
    },
};
use parlour_store::Options;
use std::sync::Arc;
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

/// Hears and does nothing.
struct Deaf;

#[async_trait]
impl Announce for Deaf {
    async fn events(&self, _: Vec<Arc<Event>>) {}
    async fn signal(&self, _: Signal) {}
}

/// A store with a room and its owner.
struct Place {
    runtime: Runtime,
    store: Arc<dyn Store>,
    room: RoomId,
    author: UserId,
    sender: Arc<Sender>,
    _folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("bench.db").display());
        let runtime = Runtime::new().expect("a runtime");
        let (store, room, author) = runtime.block_on(async {
            let store = parlour_store::open(&url, Options::default(), Arc::new(Deaf)).await;
            let store = store.expect("opens");
            let author = author(&*store).await;
            let room = room(&*store, author).await;
            (store, room, author)
        });
        Self {
            runtime,
            store,
            room,
            author,
            sender: Arc::new(Sender {
                nickname: "ada".to_owned(),
                hue: 1,
            }),
            _folder: folder,
        }
    }

    fn message(&self, number: usize) -> NewMessage {
        NewMessage {
            room: self.room,
            author: self.author,
            sender: Arc::clone(&self.sender),
            text: format!("A message of the usual length, which is short. Number {number}."),
            reply_to: None,
            reply_is_there: true,
            mentions: Vec::new(),
            files: Vec::new(),
            nonce: None,
            at: Time::from_micros(0),
        }
    }
}

async fn author(store: &dyn Store) -> UserId {
    let new = NewUser {
        username: "ada".to_owned(),
        nickname: "ada".to_owned(),
        email: None,
        keys: AccountKeys {
            username: Some("ada".to_owned()),
            nickname: Some("ada".to_owned()),
            email: None,
        },
        first_name: String::new(),
        last_name: String::new(),
        password_hash: "!".to_owned(),
        is_admin: false,
        at: Time::from_micros(0),
    };
    match store.create_user(new).await {
        Ok(SaveUser::Saved { user, .. }) => user.id,
        other => panic!("no account: {other:?}"),
    }
}

async fn room(store: &dyn Store, owner: UserId) -> RoomId {
    let new = NewRoom {
        name: "Tea".to_owned(),
        name_key: "Tea".to_owned(),
        topic: String::new(),
        kind: RoomKind::Group,
        owner,
        max_users: 10,
        expires_at: None,
        at: Time::from_micros(0),
    };
    match store.create_room(new).await {
        Ok(SaveRoom::Saved(room)) => room.id,
        other => panic!("no room: {other:?}"),
    }
}

#[divan::bench(args = [1, 16, 256], sample_count = 60, sample_size = 1)]
fn append(bencher: Bencher<'_, '_>, batch: usize) {
    let place = Place::new();
    bencher
        .counter(ItemsCount::new(batch))
        .with_inputs(|| {
            (0..batch)
                .map(|number| place.message(number))
                .collect::<Vec<_>>()
        })
        .bench_local_values(|messages| {
            place.runtime.block_on(async {
                let pending: Vec<_> = messages
                    .into_iter()
                    .map(|message| place.store.append(message).expect("there is room"))
                    .collect();
                for one in pending {
                    assert!(matches!(one.wait().await, Ok(Append::Stored(_))));
                }
            });
        });
    place.runtime.block_on(place.store.close());
}
