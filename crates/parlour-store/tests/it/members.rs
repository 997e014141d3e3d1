//! Joining, leaving, inviting, removing, handing over.

use crate::bench::Bench;
use parlour_core::{
    RoomId, UserId, What,
    event::LeaveReason,
    model::{RoomKind, Standing},
    ports::{Change, Join},
};
use std::sync::Arc;

on_each_engine! {
    joining_and_leaving,
    a_full_room_takes_nobody,
    parallel_joins_never_overfill,
    a_private_room_takes_the_invited,
    the_removed_stay_out_until_invited,
    an_unused_invitation_is_withdrawn,
    the_owner_may_always_sit_down,
    handing_over_moves_the_seat,
    handing_over_to_a_seated_owner,
    handing_over_checks_private_names,
    the_order_of_users_is_the_order_of_joining,
    changes_to_nothing_are_nothing,
}

fn done(answer: Change) -> Arc<parlour_core::model::Room> {
    match answer {
        Change::Done(room) => room,
        other => panic!("{other:?}"),
    }
}

async fn joining_and_leaving(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let id = t.room("den", ann).await;
    let at = t.now();
    let Join::Joined(room) = t.store.join(id, bob, 250, at).await.unwrap() else {
        panic!()
    };
    assert_eq!(
        (room.users.clone(), room.updated_at, room.seq),
        (vec![bob], at, 2)
    );
    assert_eq!(t.see(id).await, room);
    let Join::AlreadyIn(same) = t.join(id, bob).await else {
        panic!()
    };
    assert_eq!(same, room);
    assert_eq!(t.standing(id, bob).await, Standing::Member);
    let at = t.now();
    let room = done(t.store.leave(id, bob, at).await.unwrap());
    assert_eq!(
        (room.users.clone(), room.updated_at, room.seq),
        (vec![], at, 3)
    );
    assert_eq!(t.see(id).await, room);
    assert_eq!(t.standing(id, bob).await, Standing::Stranger);
    assert!(matches!(t.leave(id, bob).await, Change::NoSuchUser));
    let heard: Vec<_> = t
        .ear
        .of(id)
        .into_iter()
        .map(|event| (event.seq, event.what))
        .collect();
    assert_eq!(heard[1], (2, What::MemberJoined(bob)));
    assert_eq!(heard[2], (3, What::MemberLeft(bob, LeaveReason::Left)));
    assert_eq!(heard.len(), 3);
    assert!(matches!(t.join(id, UserId::new(404)).await, Join::Gone));
    assert!(matches!(t.join(RoomId::new(404), bob).await, Join::Gone));
}

async fn a_full_room_takes_nobody(t: &Bench) {
    let [ann, bob, cleo] = t.users(["ann", "bob", "cleo"]).await;
    let mut new = t.new_room("den", ann, RoomKind::Group);
    new.max_users = 2;
    let id = t.make_room(new).await.id;
    t.joined(id, bob).await;
    let capped = t.store.join(id, cleo, 1, t.now()).await.unwrap();
    assert!(matches!(capped, Join::Full), "the server's limit is lower");
    t.joined(id, cleo).await;
    let more = t.user("dan").await;
    assert!(matches!(t.join(id, more).await, Join::Full));
    assert!(
        matches!(t.join(id, ann).await, Join::Full),
        "a host sits on a seat too"
    );
    assert!(matches!(t.join(id, bob).await, Join::AlreadyIn(_)));
    t.leave(id, bob).await;
    t.joined(id, more).await;
}

async fn parallel_joins_never_overfill(t: &Bench) {
    let ann = t.user("ann").await;
    let (other, _) = t.second().await;
    let mut users = Vec::new();
    for n in 0..64 {
        users.push(t.user(&format!("u{n}")).await);
    }
    let mut new = t.new_room("den", ann, RoomKind::Group);
    new.max_users = 1;
    let id = t.make_room(new).await.id;
    let mut calls = tokio::task::JoinSet::new();
    for (n, user) in users.into_iter().enumerate() {
        let store = if n % 2 == 0 {
            Arc::clone(&t.store)
        } else {
            Arc::clone(&other)
        };
        let at = t.now();
        calls.spawn(async move { store.join(id, user, 250, at).await.unwrap() });
    }
    let answers = calls.join_all().await;
    let joined = answers
        .iter()
        .filter(|answer| matches!(answer, Join::Joined(_)))
        .count();
    let full = answers
        .iter()
        .filter(|answer| matches!(answer, Join::Full))
        .count();
    assert_eq!((joined, full), (1, 63));
    let (third, _) = t.second().await;
    assert_eq!(
        third.room(id, ann).await.unwrap().unwrap().room.users.len(),
        1
    );
    third.close().await;
    other.close().await;
}

async fn a_private_room_takes_the_invited(t: &Bench) {
    let [ann, bob, eve] = t.users(["ann", "bob", "eve"]).await;
    let id = t.private("den", ann).await;
    assert!(matches!(t.join(id, eve).await, Join::NotInvited));
    let before = t.see(id).await;
    let room = done(t.store.invite(id, bob, t.now()).await.unwrap());
    assert_eq!(room, before, "an invitation is no event");
    assert_eq!(t.standing(id, bob).await, Standing::Invited);
    done(t.store.invite(id, bob, t.now()).await.unwrap());
    t.joined(id, bob).await;
    done(t.store.invite(id, bob, t.now()).await.unwrap());
    assert_eq!(t.standing(id, bob).await, Standing::Member);
    t.leave(id, bob).await;
    assert!(
        matches!(t.join(id, bob).await, Join::NotInvited),
        "leaving ends the invitation"
    );
    let nobody = t.store.invite(id, UserId::new(404), t.now()).await.unwrap();
    assert!(matches!(nobody, Change::NoSuchUser));
    let host = done(t.store.invite(id, ann, t.now()).await.unwrap());
    assert_eq!(host.owner, ann);
    assert_eq!(t.standing(id, ann).await, Standing::Stranger);
}

async fn the_removed_stay_out_until_invited(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let id = t.room("den", ann).await;
    t.joined(id, bob).await;
    let room = done(t.store.remove(id, bob, t.now()).await.unwrap());
    assert_eq!((room.users.len(), room.seq), (0, 3));
    let heard = t.ear.of(id).pop().unwrap().what;
    assert_eq!(heard, What::MemberLeft(bob, LeaveReason::Removed));
    assert_eq!(t.standing(id, bob).await, Standing::Removed);
    assert!(matches!(t.join(id, bob).await, Join::Removed));
    assert!(matches!(t.leave(id, bob).await, Change::NoSuchUser));
    let again = t.store.remove(id, bob, t.now()).await.unwrap();
    assert!(
        matches!(again, Change::NoSuchUser),
        "neither in nor invited"
    );
    assert_eq!(t.see(id).await.seq, 3);
    done(t.store.invite(id, bob, t.now()).await.unwrap());
    t.joined(id, bob).await;
    assert_eq!(t.standing(id, bob).await, Standing::Member);
}

async fn an_unused_invitation_is_withdrawn(t: &Bench) {
    let [ann, bob, cleo] = t.users(["ann", "bob", "cleo"]).await;
    let id = t.private("den", ann).await;
    let before = t.ear.of(id).len();
    for user in [bob, cleo] {
        done(t.store.invite(id, user, t.now()).await.unwrap());
    }
    done(t.store.remove(id, bob, t.now()).await.unwrap());
    assert_eq!(t.standing(id, bob).await, Standing::Removed);
    assert!(matches!(t.join(id, bob).await, Join::Removed));
    assert!(
        matches!(t.leave(id, cleo).await, Change::NoSuchUser),
        "was never in"
    );
    assert_eq!(t.standing(id, cleo).await, Standing::Invited);
    assert_eq!(t.ear.of(id).len(), before, "none of it is an event");
}

async fn the_owner_may_always_sit_down(t: &Bench) {
    let ann = t.user("ann").await;
    let id = t.private("den", ann).await;
    t.joined(id, ann).await;
    let view = t.store.room(id, ann).await.unwrap().unwrap();
    assert_eq!((view.standing, view.is_owner), (Standing::Member, true));
    assert_eq!(view.room.users, [ann]);
    t.leave(id, ann).await;
    t.send(id, ann, "still the host").await;
}

async fn handing_over_moves_the_seat(t: &Bench) {
    let [ann, bob, cleo] = t.users(["ann", "bob", "cleo"]).await;
    let mut new = t.new_room("den", ann, RoomKind::Group);
    new.max_users = 2;
    let id = t.make_room(new).await.id;
    t.joined(id, bob).await;
    t.joined(id, cleo).await;
    let room = done(t.store.hand_over(id, bob, t.now()).await.unwrap());
    assert_eq!(
        (room.owner, room.users.clone(), room.seq),
        (bob, vec![cleo, ann], 6)
    );
    assert_eq!(t.see(id).await, room);
    let heard: Vec<_> = t.ear.of(id).split_off(3);
    let What::RoomUpdated(first) = &heard[0].what else {
        panic!("{heard:?}")
    };
    assert_eq!((first.owner, first.seq), (bob, 4));
    assert_eq!(
        heard[1].what,
        What::MemberLeft(bob, LeaveReason::BecameHost)
    );
    assert_eq!(heard[2].what, What::MemberJoined(ann));
    assert_eq!(t.standing(id, ann).await, Standing::Member);
    assert_eq!(t.standing(id, bob).await, Standing::Stranger);
    let (cold, _) = t.second().await;
    assert_eq!(cold.room(id, bob).await.unwrap().unwrap().room, room);
    cold.close().await;
}

async fn handing_over_to_a_seated_owner(t: &Bench) {
    let [ann, bob, eve] = t.users(["ann", "bob", "eve"]).await;
    let id = t.room("den", ann).await;
    t.joined(id, ann).await;
    t.joined(id, bob).await;
    let room = done(t.store.hand_over(id, bob, t.now()).await.unwrap());
    assert_eq!(
        (room.owner, room.users.clone(), room.seq),
        (bob, vec![ann, bob], 4)
    );
    let stranger = t.store.hand_over(id, eve, t.now()).await.unwrap();
    assert!(matches!(stranger, Change::NoSuchUser));
    let same = done(t.store.hand_over(id, bob, t.now()).await.unwrap());
    assert_eq!(same, room, "done already");
    assert_eq!(t.ear.of(id).len(), 4);
}

async fn handing_over_checks_private_names(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    t.private("den", bob).await;
    let id = t.private("den", ann).await;
    t.store.invite(id, bob, t.now()).await.unwrap();
    t.joined(id, bob).await;
    let taken = t.store.hand_over(id, bob, t.now()).await.unwrap();
    assert!(matches!(taken, Change::NameTaken));
    assert_eq!(t.see(id).await.owner, ann);
}

async fn the_order_of_users_is_the_order_of_joining(t: &Bench) {
    let [ann, bob, cleo, dan] = t.users(["ann", "bob", "cleo", "dan"]).await;
    let id = t.room("den", ann).await;
    for user in [dan, bob, cleo] {
        t.joined(id, user).await;
    }
    t.leave(id, dan).await;
    t.joined(id, dan).await;
    let (cold, _) = t.second().await;
    for store in [&t.store, &cold] {
        let room = store.room(id, ann).await.unwrap().unwrap().room;
        assert_eq!(room.users, [bob, cleo, dan]);
        let list = store
            .open_rooms(crate::bench::page(1, 10))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(list.items, [(*room).clone()]);
    }
    cold.close().await;
}

async fn changes_to_nothing_are_nothing(t: &Bench) {
    let [ann, eve] = t.users(["ann", "eve"]).await;
    let id = t.room("den", ann).await;
    let nowhere = RoomId::new(404);
    assert!(matches!(
        t.store.remove(id, eve, t.now()).await.unwrap(),
        Change::NoSuchUser
    ));
    assert!(matches!(
        t.store.remove(nowhere, eve, t.now()).await.unwrap(),
        Change::Gone
    ));
    assert!(matches!(
        t.store.invite(nowhere, eve, t.now()).await.unwrap(),
        Change::Gone
    ));
    assert!(matches!(
        t.store.hand_over(nowhere, eve, t.now()).await.unwrap(),
        Change::Gone
    ));
    assert_eq!(t.ear.of(id).len(), 1);
}
