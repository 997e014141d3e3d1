//! Lists of rooms.

use crate::bench::{Bench, last, page};
use parlour_core::{RoomId, model::Room, ports::Hearing, ports::RoomChange};

on_each_engine! {
    my_rooms,
    open_rooms,
    hearings,
    positions,
    activity_moves_a_room_up,
}

fn ids(rooms: &[Room]) -> Vec<RoomId> {
    rooms.iter().map(|room| room.id).collect()
}

async fn my_rooms(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let owned = t.room("owned", ann).await;
    let both = t.private("both", ann).await;
    let joined = t.room("joined", bob).await;
    let foreign = t.room("foreign", bob).await;
    let invited = t.private("invited", bob).await;
    t.joined(both, ann).await;
    t.joined(joined, ann).await;
    t.store.invite(invited, ann, t.now()).await.unwrap();
    let found = t.store.rooms_of(ann, page(1, 10)).await.unwrap().unwrap();
    assert_eq!(
        (found.count, ids(&found.items)),
        (3, vec![joined, both, owned])
    );
    assert_eq!(found.items[0].users, [ann]);
    assert_eq!(found.items[2], *t.see(owned).await);
    let second = t.store.rooms_of(ann, page(2, 2)).await.unwrap().unwrap();
    assert_eq!(ids(&second.items), [owned]);
    assert!(t.store.rooms_of(ann, page(3, 2)).await.unwrap().is_none());
    let end = t.store.rooms_of(bob, last(2)).await.unwrap().unwrap();
    assert_eq!((end.count, ids(&end.items)), (3, vec![foreign]));
}

async fn open_rooms(t: &Bench) {
    let ann = t.user("ann").await;
    let empty = t.store.open_rooms(page(1, 10)).await.unwrap().unwrap();
    assert_eq!(empty.count, 0);
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(t.room(&format!("r{n}"), ann).await);
        t.private(&format!("p{n}"), ann).await;
    }
    made.reverse();
    let found = t.store.open_rooms(page(1, 10)).await.unwrap().unwrap();
    assert_eq!((found.count, ids(&found.items)), (5, made.clone()));
    let end = t.store.open_rooms(last(2)).await.unwrap().unwrap();
    assert_eq!(ids(&end.items), made[4..]);
}

async fn activity_moves_a_room_up(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let one = t.room("one", ann).await;
    let two = t.room("two", ann).await;
    let order = async || {
        ids(&t
            .store
            .open_rooms(page(1, 10))
            .await
            .unwrap()
            .unwrap()
            .items)
    };
    assert_eq!(order().await, [two, one]);
    t.send(one, ann, "messages do not").await;
    assert_eq!(order().await, [two, one]);
    t.joined(one, bob).await;
    assert_eq!(order().await, [one, two]);
    t.store
        .update_room(two, RoomChange::default(), t.now())
        .await
        .unwrap();
    assert_eq!(order().await, [two, one]);
    t.leave(one, bob).await;
    assert_eq!(order().await, [one, two]);
}

async fn hearings(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let owned = t.room("owned", ann).await;
    let both = t.room("both", ann).await;
    let joined = t.room("joined", bob).await;
    let left = t.room("left", bob).await;
    t.joined(both, ann).await;
    t.joined(joined, ann).await;
    t.joined(left, ann).await;
    t.leave(left, ann).await;
    t.send(joined, bob, "x").await;
    let hearing = |room, seq, owner, is_member| Hearing {
        room,
        seq,
        owner,
        is_member,
    };
    assert_eq!(
        t.store.hearings(ann).await.unwrap(),
        [
            hearing(owned, 1, ann, false),
            hearing(both, 2, ann, true),
            hearing(joined, 3, bob, true),
        ]
    );
    let nobody = t.user("nobody").await;
    assert_eq!(t.store.hearings(nobody).await.unwrap(), []);
    let all = t.store.hearings_of(&[nobody, bob, ann]).await.unwrap();
    assert_eq!(
        all,
        [
            (ann, hearing(owned, 1, ann, false)),
            (ann, hearing(both, 2, ann, true)),
            (ann, hearing(joined, 3, bob, true)),
            (bob, hearing(joined, 3, bob, false)),
            (bob, hearing(left, 3, bob, false)),
        ]
    );
    assert_eq!(t.store.hearings_of(&[]).await.unwrap(), []);
}

async fn positions(t: &Bench) {
    let ann = t.user("ann").await;
    let one = t.room("one", ann).await;
    let two = t.room("two", ann).await;
    let ended = t.room("ended", ann).await;
    t.send(two, ann, "x").await;
    let reason = parlour_core::event::EndReason::Deleted;
    t.store.end_room(ended, reason, t.now()).await.unwrap();
    let asked = [two, RoomId::new(404), one, ended, two];
    let mut found = t.store.positions(&asked).await.unwrap();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, [(one, 1), (two, 2)]);
    assert_eq!(t.store.positions(&[]).await.unwrap(), []);
}
