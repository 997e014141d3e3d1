//! Random operations against a model, and memory against the database.

use crate::bench::{Bench, reworded};
use parlour_core::{
    RoomId, UserId, What,
    model::{Reaction, RoomKind, Standing},
    ports::{Append, Change, Join, NewReaction, React, RoomChange, Span, Store},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use std::{collections::HashMap, sync::Arc};

on_each_engine! {
    memberships_follow_the_model,
    memory_follows_the_database,
}

/// Users that play; the room's owner is the first.
const PLAYERS: usize = 5;

const SEATS: usize = 2;

/// Different emoji on a message.
const EMOJI: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Step {
    Join(usize),
    Leave(usize),
    Invite(usize),
    Remove(usize),
    HandOver(usize),
    Kind(bool),
    Send(usize),
    Edit(usize),
    Delete(usize),
    React(usize, usize, usize, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0..PLAYERS;
    let step = prop_oneof![
        4 => who.clone().prop_map(Step::Join),
        2 => who.clone().prop_map(Step::Leave),
        2 => who.clone().prop_map(Step::Invite),
        2 => who.clone().prop_map(Step::Remove),
        1 => who.clone().prop_map(Step::HandOver),
        1 => any::<bool>().prop_map(Step::Kind),
        5 => who.prop_map(Step::Send),
        2 => (0..20_usize).prop_map(Step::Edit),
        2 => (0..20_usize).prop_map(Step::Delete),
        5 => (0..PLAYERS, 0..6_usize, 0..4_usize, prop::bool::weighted(0.7))
            .prop_map(|(who, message, emoji, on)| Step::React(who, message, emoji, on)),
    ];
    prop::collection::vec(step, 1..60)
}

/// What a room should be.
struct Model {
    owner: usize,
    private: bool,
    standings: HashMap<usize, Standing>,
    users: Vec<usize>,
    /// Index in the order of sending, for those that were not deleted.
    messages: Vec<usize>,
    sent: usize,
    seq: i64,
    /// By message: emoji and users, in the order of their use.
    reactions: HashMap<usize, Vec<(usize, Vec<usize>)>>,
}

impl Model {
    fn new() -> Self {
        Self {
            owner: 0,
            private: false,
            standings: HashMap::new(),
            users: Vec::new(),
            messages: Vec::new(),
            sent: 0,
            seq: 1,
            reactions: HashMap::new(),
        }
    }

    fn react(&mut self, user: usize, message: usize, emoji: usize, on: bool) -> &'static str {
        if !self.messages.contains(&message) {
            return "gone";
        }
        if self.owner != user && self.standing(user) != Standing::Member {
            return "not in";
        }
        let reactions = self.reactions.entry(message).or_default();
        let full = reactions.len() >= EMOJI;
        let known = reactions.iter_mut().find(|(known, _)| *known == emoji);
        match (known, on) {
            (Some((_, users)), true) if !users.contains(&user) => users.push(user),
            (Some((_, users)), false) if users.contains(&user) => {
                users.retain(|other| *other != user);
            }
            (Some(_), _) | (None, false) => return "same",
            (None, true) if full => return "too many",
            (None, true) => reactions.push((emoji, vec![user])),
        }
        reactions.retain(|(_, users)| !users.is_empty());
        self.seq += 1;
        "reacted"
    }

    fn standing(&self, user: usize) -> Standing {
        self.standings
            .get(&user)
            .copied()
            .unwrap_or(Standing::Stranger)
    }

    fn seat(&mut self, user: usize) {
        self.standings.insert(user, Standing::Member);
        self.users.push(user);
        self.seq += 1;
    }

    fn unseat(&mut self, user: usize, then: Standing) {
        self.standings.insert(user, then);
        self.users.retain(|member| *member != user);
        self.seq += 1;
    }

    /// The word for the answer that the store should give.
    fn join(&mut self, user: usize) -> &'static str {
        let is_owner = self.owner == user;
        match self.standing(user) {
            Standing::Member => "already in",
            Standing::Removed if !is_owner => "removed",
            Standing::Stranger if self.private && !is_owner => "not invited",
            _ if self.users.len() >= SEATS => "full",
            _ => {
                self.seat(user);
                "joined"
            }
        }
    }

    fn leave(&mut self, user: usize) -> &'static str {
        match self.standing(user) {
            Standing::Member => self.unseat(user, Standing::Stranger),
            _ => return "nobody",
        }
        "done"
    }

    fn invite(&mut self, user: usize) -> &'static str {
        let open = matches!(self.standing(user), Standing::Stranger | Standing::Removed);
        let host = user == self.owner && self.standing(user) == Standing::Stranger;
        if open && !host {
            self.standings.insert(user, Standing::Invited);
        }
        "done"
    }

    fn remove(&mut self, user: usize) -> &'static str {
        match self.standing(user) {
            Standing::Member => self.unseat(user, Standing::Removed),
            Standing::Invited => {
                self.standings.insert(user, Standing::Removed);
            }
            Standing::Removed | Standing::Stranger => return "nobody",
        }
        "done"
    }

    fn hand_over(&mut self, to: usize) -> &'static str {
        if to == self.owner {
            return "done";
        }
        if self.standing(to) != Standing::Member {
            return "nobody";
        }
        let former = std::mem::replace(&mut self.owner, to);
        self.seq += 1;
        if self.standing(former) != Standing::Member {
            self.unseat(to, Standing::Stranger);
            self.seat(former);
        }
        "done"
    }
}

fn join_word(answer: &Join) -> &'static str {
    match answer {
        Join::Joined(_) => "joined",
        Join::AlreadyIn(_) => "already in",
        Join::Full => "full",
        Join::Removed => "removed",
        Join::NotInvited => "not invited",
        Join::Gone => "gone",
    }
}

fn change_word(answer: &Change) -> &'static str {
    match answer {
        Change::Done(_) => "done",
        Change::NoSuchUser => "nobody",
        Change::NameTaken => "name taken",
        Change::Gone => "gone",
    }
}

fn react_word(answer: &React) -> &'static str {
    match answer {
        React::Done { seq: Some(_), .. } => "reacted",
        React::Done { seq: None, .. } => "same",
        React::TooMany => "too many",
        React::NotIn => "not in",
        React::Gone => "gone",
    }
}

/// A room under test, its players, and the messages sent into it.
struct Game<'a> {
    t: &'a Bench,
    room: RoomId,
    users: Vec<UserId>,
    sent: Vec<parlour_core::MessageId>,
}

impl Game<'_> {
    async fn play(&mut self, model: &mut Model, step: Step) {
        let (t, room) = (self.t, self.room);
        let store = &t.store;
        let at = t.now();
        let (expected, found) = match step {
            Step::Join(n) => {
                let answer = store.join(room, self.users[n], 250, at).await.unwrap();
                (model.join(n), join_word(&answer))
            }
            Step::Leave(n) => {
                let answer = store.leave(room, self.users[n], at).await.unwrap();
                (model.leave(n), change_word(&answer))
            }
            Step::Invite(n) => {
                let answer = store.invite(room, self.users[n], at).await.unwrap();
                (model.invite(n), change_word(&answer))
            }
            Step::Remove(n) => {
                let answer = store.remove(room, self.users[n], at).await.unwrap();
                (model.remove(n), change_word(&answer))
            }
            Step::HandOver(n) => {
                let answer = store.hand_over(room, self.users[n], at).await.unwrap();
                (model.hand_over(n), change_word(&answer))
            }
            Step::Kind(private) => {
                let kind = if private {
                    RoomKind::Private
                } else {
                    RoomKind::Group
                };
                let change = RoomChange {
                    kind: Some(kind),
                    ..RoomChange::default()
                };
                store.update_room(room, change, at).await.unwrap();
                model.private = private;
                model.seq += 1;
                ("", "")
            }
            Step::Send(n) => self.send(model, n).await,
            Step::Edit(n) => {
                if let Some(id) = self.sent.get(n) {
                    store
                        .edit_message(
                            *id,
                            reworded(format!("edited {}", model.seq), Vec::new(), at),
                        )
                        .await
                        .unwrap();
                    model.seq += i64::from(model.messages.contains(&n));
                }
                ("", "")
            }
            Step::Delete(n) => {
                if let Some(id) = self.sent.get(n) {
                    let did = store.delete_message(*id, at).await.unwrap();
                    assert_eq!(did, model.messages.contains(&n));
                    model.messages.retain(|index| *index != n);
                    model.seq += i64::from(did);
                }
                ("", "")
            }
            Step::React(n, message, emoji, on) => {
                let Some(id) = self.sent.get(message) else {
                    return;
                };
                let reaction = NewReaction {
                    user: self.users[n],
                    emoji: format!("e{emoji}"),
                    on,
                    at,
                };
                let most = i64::try_from(EMOJI).unwrap();
                let answer = store.react(*id, reaction, most).await.unwrap();
                (model.react(n, message, emoji, on), react_word(&answer))
            }
        };
        assert_eq!(found, expected, "{step:?}");
    }

    async fn send(&mut self, model: &mut Model, n: usize) -> (&'static str, &'static str) {
        let author = self.users[n];
        let hears = model.owner == n || model.standing(n) == Standing::Member;
        let new = self.t.new_message(self.room, author, &format!("by {n}"));
        let found = match self.t.append(new).await {
            Append::Stored(message) => {
                self.sent.push(message.id);
                model.messages.push(model.sent);
                model.sent += 1;
                model.seq += 1;
                "stored"
            }
            Append::NotIn => "not in",
            other => panic!("{other:?}"),
        };
        (if hears { "stored" } else { "not in" }, found)
    }

    async fn check(&self, model: &Model, store: &Arc<dyn Store>) {
        for (n, user) in self.users.iter().enumerate() {
            let view = store.room(self.room, *user).await.unwrap().unwrap();
            assert_eq!(view.standing, model.standing(n));
            assert_eq!(view.is_owner, model.owner == n);
            let users: Vec<_> = model.users.iter().map(|n| self.users[*n]).collect();
            assert_eq!(view.room.users, users);
            assert!(view.room.users.len() <= SEATS);
            assert_eq!(
                view.room.messages,
                i64::try_from(model.messages.len()).unwrap()
            );
            assert_eq!(view.room.seq, model.seq);
        }
        let page = crate::bench::page(1, 100);
        let owner = self.users[model.owner];
        let found = store.messages_page(owner, Some(self.room), page).await;
        let mut found = found.unwrap().unwrap().items;
        found.reverse();
        for (message, n) in found.iter().zip(&model.messages) {
            let expected = model.reactions.get(n).cloned().unwrap_or_default();
            let expected = expected.into_iter().map(|(emoji, users)| Reaction {
                emoji: format!("e{emoji}"),
                users: users.into_iter().map(|user| self.users[user]).collect(),
            });
            assert_eq!(message.reactions, expected.collect::<Vec<_>>());
        }
    }
}

/// Runs `play` with random steps, a fresh room each time.
fn with_random_steps(t: &Bench, play: &impl AsyncFn(Game<'_>, Vec<Step>)) {
    let runtime = tokio::runtime::Handle::current();
    let mut runner = TestRunner::new(Config {
        cases: 24,
        max_shrink_iters: 64,
        failure_persistence: None,
        ..Config::default()
    });
    let mut round = 0;
    let round = std::cell::RefCell::new(&mut round);
    let outcome = runner.run(&steps(), |steps| {
        let number = {
            let mut round = round.borrow_mut();
            **round += 1;
            **round
        };
        runtime.block_on(async {
            let mut users = Vec::new();
            for n in 0..PLAYERS {
                users.push(t.user(&format!("p{number}-{n}")).await);
            }
            let mut new = t.new_room(&format!("room {number}"), users[0], RoomKind::Group);
            new.max_users = i64::try_from(SEATS).unwrap();
            let room = t.make_room(new).await.id;
            let game = Game {
                t,
                room,
                users,
                sent: Vec::new(),
            };
            play(game, steps).await;
        });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

async fn memberships_follow_the_model(t: &Bench) {
    tokio::task::block_in_place(|| {
        with_random_steps(t, &async |mut game: Game<'_>, steps: Vec<Step>| {
            let mut model = Model::new();
            for step in steps {
                game.play(&mut model, step).await;
                game.check(&model, &t.store).await;
            }
        });
    });
}

async fn memory_follows_the_database(t: &Bench) {
    tokio::task::block_in_place(|| {
        with_random_steps(t, &async |mut game: Game<'_>, steps: Vec<Step>| {
            let (cold, _) = t.second().await;
            let mut model = Model::new();
            for step in steps {
                game.play(&mut model, step).await;
            }
            game.check(&model, &cold).await;
            let (owner, room) = (game.users[model.owner], game.room);
            let page = crate::bench::page(1, 100);
            let warm = t
                .store
                .messages_page(owner, Some(room), page)
                .await
                .unwrap()
                .unwrap();
            let found = cold
                .messages_page(owner, Some(room), page)
                .await
                .unwrap()
                .unwrap();
            assert_eq!((warm.count, warm.items), (found.count, found.items));
            let warm = t
                .store
                .history(room, Span::After(0), 1_000)
                .await
                .unwrap()
                .unwrap();
            let found = cold
                .history(room, Span::After(0), 1_000)
                .await
                .unwrap()
                .unwrap();
            assert_eq!((warm.seq, warm.events), (found.seq, found.events.clone()));
            let heard = t.ear.of(room);
            for (heard, found) in heard.iter().zip(&found.events) {
                assert_eq!((heard.seq, heard.at), (found.seq, found.at));
                if let What::MemberJoined(_) | What::MemberLeft(..) = heard.what {
                    assert_eq!(heard.what, found.what);
                }
            }
            assert_eq!(heard.len(), found.events.len());
            cold.close().await;
        });
    });
}
