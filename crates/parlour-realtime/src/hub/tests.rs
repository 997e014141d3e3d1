//! What the hub keeps, seen from inside.

use super::{register::Register, room::Room, state::State, *};
use parlour_core::{Event, Proof, RoomId, Time, TokenId, UserId, What};

const ME: UserId = UserId::new(1);

fn seated(config: HubConfig) -> State {
    let greeting = Greeting {
        signer: None,
        epoch: "e".to_owned(),
        heartbeat: Duration::from_secs(25),
        max_frame: 1_000,
    };
    let mut state = State::new(config, greeting, false, Instant::now());
    let (reply, _) = oneshot::channel();
    state.register(Register {
        session: SessionId(1),
        actor: Actor {
            user: ME,
            is_admin: false,
            proof: Proof::Token(TokenId::new(1)),
        },
        dialect: DialectKind::Account,
        outbox: Arc::new(crate::Outbox::new(OutboxLimits::default())),
        only: None,
        is_held: false,
        welcome: None,
        ended: None,
        reply,
    });
    state
}

fn news(room: i64, what: What) -> News {
    News::Events(vec![Arc::new(Event {
        room: RoomId::new(room),
        seq: 1,
        at: Time::from_micros(0),
        what,
    })])
}

#[tokio::test(start_paused = true)]
async fn rooms_without_listeners_are_bounded_in_number_and_age() {
    let config = HubConfig {
        quiet_rooms: 100,
        ..HubConfig::default()
    };
    let mut state = seated(config);
    for room in 1..=500 {
        state.hear(news(room, What::MessagesPurged(ME)), Instant::now());
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    tokio::time::advance(Duration::from_secs(6)).await;
    state.tick(Instant::now());
    assert_eq!(state.rooms.len(), 100);
    assert!(state.rooms.contains_key(&RoomId::new(500)));
    assert!(!state.rooms.contains_key(&RoomId::new(1)));
    tokio::time::advance(config.quiet_for).await;
    state.tick(Instant::now());
    assert!(state.rooms.is_empty());
}

#[tokio::test(start_paused = true)]
async fn with_nobody_here_nothing_is_kept() {
    let mut state = seated(HubConfig::default());
    state.hear(news(1, What::MessagesPurged(ME)), Instant::now());
    assert_eq!(state.rooms.len(), 1);
    state.remove(SessionId(1), Instant::now());
    state.hear(news(2, What::MessagesPurged(ME)), Instant::now());
    assert!(state.rooms.is_empty());
    assert!(state.people.persons.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_gone_socket_leaves_no_trace_in_its_rooms() {
    let mut state = seated(HubConfig::default());
    let number = state.next_read() - 1;
    state.hearings(ME, number, Ok(Vec::new()), Instant::now());
    state.hear(news(1, What::MemberJoined(ME)), Instant::now());
    let room = |state: &State| {
        let room: &Room = &state.rooms[&RoomId::new(1)];
        (room.listeners.len(), room.members.len())
    };
    assert_eq!(room(&state), (1, 1));
    state.remove(SessionId(1), Instant::now());
    assert_eq!(room(&state), (0, 0));
}

#[test]
fn jitter_stays_within_its_bounds_and_differs() {
    let (least, most) = (Duration::from_secs(20), Duration::from_secs(25));
    let all: Vec<_> = (0..1_000).map(|seed| spread(seed, least, most)).collect();
    assert!(all.iter().all(|one| (least..most).contains(one)));
    let early = all.iter().filter(|one| **one < (least + most) / 2).count();
    assert!((400..600).contains(&early), "{early}");
}
