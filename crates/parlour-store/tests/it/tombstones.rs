//! What is left of rooms that ended, and lists of rooms for those who look after them.

use crate::bench::{Bench, last, page};
use parlour_core::{
    RoomId, UserId,
    event::EndReason,
    model::{RoomKind, Tombstone},
};
use std::time::Duration;

on_each_engine! {
    tombstones_before_and_after_the_purge,
    forgetting_takes_the_memberships_along,
    the_purge_takes_reactions_and_positions,
    all_rooms_for_administrators,
    invitations_of_users_and_rooms,
}

async fn tombstone(t: &Bench, room: RoomId, user: UserId) -> Option<Tombstone> {
    t.store.tombstone(room, Some(user)).await.unwrap()
}

async fn tombstones_before_and_after_the_purge(t: &Bench) {
    let [ann, bob, eve, out] = t.users(["ann", "bob", "eve", "out"]).await;
    let open = t.room("Open", ann).await;
    let closed = t.private("Closed", ann).await;
    let living = t.room("living", ann).await;
    for user in [bob, eve, out] {
        t.store.invite(closed, user, t.now()).await.unwrap();
    }
    for (room, user) in [(open, bob), (closed, bob), (closed, out), (living, bob)] {
        t.joined(room, user).await;
    }
    t.store.remove(closed, out, t.now()).await.unwrap();
    let end = t.now();
    for (room, reason) in [(open, EndReason::Expired), (closed, EndReason::Deleted)] {
        t.store.end_room(room, reason, end).await.unwrap();
    }
    for purged in [false, true] {
        let of_open = tombstone(t, open, bob).await.unwrap();
        let expected = Tombstone {
            room: open,
            name: "Open".to_owned(),
            kind: RoomKind::Group,
            owner: ann,
            ended_at: end,
            reason: EndReason::Expired,
            was_member: !purged,
        };
        assert_eq!(of_open, expected);
        for (user, was_member) in [(bob, true), (eve, false), (out, false), (ann, false)] {
            let found = tombstone(t, closed, user).await.unwrap();
            assert_eq!(found.was_member, was_member);
            assert_eq!((found.kind, found.owner), (RoomKind::Private, ann));
            assert_eq!(
                (found.name.as_str(), found.reason),
                ("Closed", EndReason::Deleted)
            );
        }
        let of_nobody = t.store.tombstone(closed, None).await.unwrap().unwrap();
        assert!(!of_nobody.was_member);
        while t.store.purge(end).await.unwrap() {}
    }
    assert_eq!(tombstone(t, living, bob).await, None);
    assert_eq!(tombstone(t, RoomId::new(404), bob).await, None);
    let left = t.count("SELECT COUNT(*) FROM room_users WHERE state <> 'member'");
    assert_eq!(left.await, 0);
}

async fn forgetting_takes_the_memberships_along(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.private("Closed", ann).await;
    t.store.invite(room, bob, t.now()).await.unwrap();
    t.joined(room, bob).await;
    let end = t.now();
    t.store
        .end_room(room, EndReason::Deleted, end)
        .await
        .unwrap();
    while t.store.purge(end).await.unwrap() {}
    assert!(tombstone(t, room, bob).await.unwrap().was_member);
    let later = end.plus(Duration::from_secs(1));
    while t.store.purge(later).await.unwrap() {}
    assert_eq!(tombstone(t, room, bob).await, None);
    assert_eq!(t.count("SELECT COUNT(*) FROM room_users").await, 0);
    assert_eq!(t.count("SELECT COUNT(*) FROM rooms").await, 0);
}

async fn the_purge_takes_reactions_and_positions(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let rooms = [t.room("a", ann).await, t.room("b", ann).await];
    for room in rooms {
        t.joined(room, bob).await;
        let sent = t.call(room, ann, &[bob]).await;
        t.reacted(sent.id, bob, "👍", true).await;
        t.reacted(sent.id, ann, "👍", true).await;
    }
    let end = t.now();
    t.store
        .end_room(rooms[0], EndReason::Deleted, end)
        .await
        .unwrap();
    while t.store.purge(end).await.unwrap() {}
    assert_eq!(t.count("SELECT COUNT(*) FROM reactions").await, 2);
    assert_eq!(t.count("SELECT COUNT(*) FROM mentions").await, 1);
    assert_eq!(t.count("SELECT COUNT(*) FROM reads").await, 1);
    let unread = t.store.unread(bob, None).await.unwrap();
    assert_eq!((unread.len(), unread[0].mentions), (1, 1));
}

async fn all_rooms_for_administrators(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let mut ids = Vec::new();
    for n in 0..7 {
        let owner = if n % 2 == 0 { ann } else { bob };
        ids.push(if n % 3 == 0 {
            t.private(&format!("r{n}"), owner).await
        } else {
            t.room(&format!("r{n}"), owner).await
        });
    }
    t.store
        .end_room(ids.remove(2), EndReason::Deleted, t.now())
        .await
        .unwrap();
    ids.reverse();
    for (number, rows) in [(1, 0..4), (2, 4..6)] {
        let found = t.store.all_rooms(page(number, 4)).await.unwrap().unwrap();
        let rooms: Vec<_> = found.items.iter().map(|room| room.id).collect();
        assert_eq!((found.count, &*rooms), (6, &ids[rows]));
    }
    let end = t.store.all_rooms(last(4)).await.unwrap().unwrap();
    assert_eq!(end.items.len(), 2);
    assert!(t.store.all_rooms(page(3, 4)).await.unwrap().is_none());
}

async fn invitations_of_users_and_rooms(t: &Bench) {
    let [ann, bob, cleo] = t.users(["ann", "bob", "cleo"]).await;
    let one = t.private("one", ann).await;
    let two = t.private("two", ann).await;
    let three = t.private("three", ann).await;
    let invitations = async |user| {
        let found = t.store.invitations(user).await.unwrap();
        found.iter().map(|room| room.id).collect::<Vec<_>>()
    };
    assert_eq!(invitations(bob).await, []);
    for room in [one, two, three] {
        t.store.invite(room, cleo, t.now()).await.unwrap();
        t.store.invite(room, bob, t.now()).await.unwrap();
    }
    assert_eq!(invitations(bob).await, [three, two, one]);
    assert_eq!(t.store.invited(one).await.unwrap(), [bob, cleo]);
    t.joined(one, bob).await;
    t.store.remove(two, bob, t.now()).await.unwrap();
    t.store
        .end_room(three, EndReason::Deleted, t.now())
        .await
        .unwrap();
    assert_eq!(invitations(bob).await, []);
    assert_eq!(invitations(cleo).await, [two, one]);
    assert_eq!(t.store.invited(one).await.unwrap(), [cleo]);
    assert_eq!(t.store.invited(two).await.unwrap(), [cleo]);
    for room in [three, RoomId::new(404)] {
        assert_eq!(t.store.invited(room).await.unwrap(), []);
    }
}
