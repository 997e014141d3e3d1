//! Everything the hub knows, and how news, answers and the passing of time change it. No I/O and no
//! waiting in here: what has to be read is put on a list for the hub's task.

mod rounds;

use super::{
    Greeting, HubConfig, SessionId,
    ended::Ended,
    fills::Fills,
    order::{Need, Order},
    owners::owners,
    people::People,
    presence::Presence,
    reads::{Answer, Read},
    ring::Rings,
    room::{Heal, Room},
    shutdown::Closing,
    spread,
    turn::Turn,
};
use crate::{bus::News, close};
use metrics::counter;
use parlour_core::{Error, Event, RoomId, Signal, TokenId, UserId, ports::History};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// First pause after a failed read; doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Longest pause between reads for one room.
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// A room that the store does not name any more is asked for after this pause, because its last
/// events may still be under way.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// Pause between two pieces of a long hole, in which readers follow.
const PACE: Duration = Duration::from_millis(2);
/// How long the healing of a hole waits for readers that fall behind; then they are cut like any slow
/// reader.
const PATIENCE: Duration = Duration::from_millis(500);
/// Pause between the rounds of audits after a gap.
const FAST_AUDIT: Duration = Duration::from_millis(100);

/// The hub's knowledge.
pub(super) struct State {
    pub(super) config: HubConfig,
    pub(super) greeting: Greeting,
    pub(super) people: People,
    pub(super) presence: Presence,
    pub(super) rooms: HashMap<RoomId, Room>,
    pub(super) ended: Ended,
    /// Rooms whose kind is being read because they ended, and who has heard that.
    pub(super) heard_the_end: HashMap<RoomId, HashSet<SessionId>>,
    pub(super) turn: Turn,
    pub(super) fills: Fills,
    /// What has to be read; the hub's task takes it at the end of each turn.
    pub(super) work: Vec<Read>,
    pub(super) closing: Option<Closing>,
    /// When to look after which room; entries that a room no longer waits for are skipped.
    dues: BinaryHeap<Reverse<(Instant, RoomId)>>,
    next_round: Instant,
    /// The bus brings only what concerns somebody here.
    pub(super) bus_is_partial: bool,
    /// The bus is away: other processes are heard through the store.
    pub(super) is_alone: bool,
    comparing: bool,
    /// People whose memberships are compared with the store in the next rounds.
    audits: VecDeque<UserId>,
    next_audit: Option<Instant>,
    /// Counts reads and rounds: tells answers apart and seeds the jitter.
    counter: u64,
}

impl State {
    pub(super) fn new(
        config: HubConfig,
        greeting: Greeting,
        bus_is_partial: bool,
        now: Instant,
    ) -> Self {
        Self {
            next_round: now + config.compare_every,
            config,
            people: People::default(),
            presence: Presence::default(),
            rooms: HashMap::new(),
            ended: Ended::default(),
            heard_the_end: HashMap::new(),
            turn: Turn {
                signer: greeting.signer.clone(),
                rings: Rings::new(config.ring),
                ..Turn::default()
            },
            fills: Fills::default(),
            work: Vec::new(),
            closing: None,
            dues: BinaryHeap::new(),
            bus_is_partial,
            is_alone: false,
            comparing: false,
            audits: VecDeque::new(),
            next_audit: None,
            counter: 0,
            greeting,
        }
    }

    /// A number that was not used before.
    pub(super) fn next_read(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// News from the bus.
    pub(super) fn hear(&mut self, news: News, now: Instant) {
        match news {
            News::Events(events) => {
                for event in events {
                    self.event(event, now);
                }
            }
            News::Signal(Signal::CredentialsEnded { user, ended }) => {
                self.credentials_ended(user, &ended, now);
            }
            News::Signal(Signal::Typing { room, user }) => self.typing(room, user, now),
            News::Signal(Signal::Read { room, user, seq }) => self.read(room, user, seq),
            News::Signal(Signal::Presence { room, user, here }) => {
                self.hear_of_presence(room, user, here);
            }
            // Nothing that is remembered here depends on the account's rights, the server's look, or limits.
            News::Signal(Signal::UserChanged(_) | Signal::SiteChanged | Signal::Taken(_)) => {}
            // Also what was said between the look at the room and this.
            News::Followed(rooms) => self.work.push(Read::Positions(rooms)),
            News::Vanished(users) => self.work.extend(users.into_iter().map(Read::Vanished)),
            News::Away => {
                self.is_alone = true;
                self.next_round = now;
            }
            News::Gap => {
                self.tell_presence_again(now);
                self.is_alone = false;
                self.next_round = now;
                self.audits = self.people.persons.keys().copied().collect();
                self.next_audit = Some(now);
            }
        }
    }

    fn event(&mut self, event: Arc<Event>, now: Instant) {
        if self.people.is_empty() {
            // Nobody could hear it, and everybody who comes brings a newer snapshot.
            self.rooms.clear();
            return;
        }
        let id = event.room;
        if self.bus_is_partial {
            self.skip_to(&event);
        }
        let room = self
            .rooms
            .entry(id)
            .or_insert_with(|| Room::new(id, Order::floating(), now));
        room.seen = now;
        room.offer(event, &mut self.people, &mut self.turn);
        self.watch(id, now);
    }

    /// Puts what the rooms have to say into the outboxes.
    pub(super) fn say(&mut self) {
        while let Some(id) = self.turn.speaking.pop() {
            if let Some(room) = self.rooms.get_mut(&id) {
                room.say(&mut self.turn);
            }
        }
    }

    fn credentials_ended(&mut self, user: UserId, ended: &[TokenId], now: Instant) {
        for id in ended {
            self.ended.add(*id, now);
        }
        let mut hit = Vec::new();
        for session in self.people.sessions_of(user) {
            if let Some(seat) = self.people.seats.get(session)
                && seat.credential.is_some_and(|id| ended.contains(&id))
            {
                seat.outbox.cut(&close::CREDENTIAL_ENDED);
                hit.push(*session);
            }
        }
        for session in hit {
            // A socket that still waits for its snapshot learns it from its closed outbox.
            self.remove(session, now);
        }
    }

    /// A socket is gone, or was cut and must not get anything more.
    pub(super) fn remove(&mut self, session: SessionId, now: Instant) {
        let Some((seat, gone)) = self.people.stand_up(session) else {
            return;
        };
        for id in seat.rooms.keys() {
            if let Some(room) = self.rooms.get_mut(id) {
                room.drop_session(session);
                if room.is_quiet() {
                    self.people.moved.push(*id);
                }
            }
        }
        if let Some(person) = gone {
            for id in &person.hears {
                if let Some(room) = self.rooms.get_mut(id) {
                    room.members.remove(&seat.user);
                }
            }
            if person.has_arrived {
                // Not only the rooms that were told of the arrival: who looked at any of the others
                // meanwhile has found them here.
                let mut rooms = person.told;
                rooms.extend(person.hears);
                let may_return = !seat.outbox.was_silent();
                self.presence.leave(seat.user, rooms, now, may_return);
            }
        }
        self.closed_one();
    }

    /// Looks whether a room has to wait for something, or no longer.
    pub(super) fn watch(&mut self, id: RoomId, now: Instant) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        let position = room.order.position();
        let is_settled = position.is_some() || room.order.is_ended();
        match room.heal {
            Heal::Reading => {}
            _ if !room.is_wanting() => room.heal = Heal::Idle,
            // What is missing has not moved: the time runs.
            Heal::Waiting { position: at, .. } if at == position => {}
            _ => {
                let pause = if room.suspect {
                    LAST_WORDS
                } else {
                    self.config.grace
                };
                let due = now + pause;
                room.heal = Heal::Waiting { due, position };
                self.dues.push(Reverse((due, id)));
            }
        }
        if is_settled {
            self.wake_waiting(id, now);
        }
    }

    /// When something has to be done without news.
    pub(super) fn next_due(&self) -> Instant {
        let room = self.dues.peek().map(|Reverse((due, _))| *due);
        let closing = self.closing.as_ref().and_then(Closing::next);
        let (presence, fills) = (self.presence.next_due(), self.fills.next_due());
        [room, closing, self.next_audit, presence, fills]
            .into_iter()
            .flatten()
            .fold(self.next_round, Instant::min)
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Instant) {
        while let Some(Reverse((due, id))) = self.dues.peek().copied() {
            if due > now {
                break;
            }
            self.dues.pop();
            self.room_due(id, due, now);
        }
        if self.next_round <= now {
            self.round(now);
        }
        if self.next_audit.is_some_and(|due| due <= now) {
            self.next_audit = None;
            self.audit();
            if !self.audits.is_empty() {
                self.next_audit = Some(now + FAST_AUDIT);
            }
        }
        self.serve_waiting(now);
        self.tell_presence(now);
        self.close_some(now);
    }

    fn room_due(&mut self, id: RoomId, due: Instant, now: Instant) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        if !matches!(room.heal, Heal::Waiting { due: at, .. } if at == due) {
            return;
        }
        if room.order.need() == Need::Settling {
            room.order.settle();
            room.drain(&mut self.people, &mut self.turn);
            room.heal = Heal::Idle;
            for user in std::mem::take(&mut room.expecting) {
                self.read_hearings(user);
            }
            self.watch(id, now);
        } else if let Some(after) = room.order.position() {
            if room.patient_until.is_some_and(|until| now < until) && room.is_congested() {
                self.look_again(id, now + PACE);
                return;
            }
            if room.tries == 0 && room.patient_until.is_none() {
                counter!("parlour_holes_found_total").increment(1);
            }
            room.heal = Heal::Reading;
            self.work.push(Read::History { room: id, after });
        }
    }

    /// An answer of the store.
    pub(super) fn answer(&mut self, answer: Answer, now: Instant) {
        match answer {
            Answer::History { room, result } => self.history(room, result, now),
            Answer::Ring { room, span, result } => self.ring_filled(room, span, result, now),
            Answer::Positions { asked, result } => {
                self.comparing = false;
                match result {
                    Ok(positions) => self.compare(&asked, &positions, now),
                    Err(error) => tracing::debug!(%error, "positions could not be read"),
                }
            }
            Answer::Hearings {
                user,
                number,
                result,
            } => self.hearings(user, number, result, now),
            Answer::Kind {
                room,
                reason,
                result,
            } => self.kind_of_ended(room, reason, result),
            Answer::Gone(gone) => self.departed(gone),
        }
    }

    fn history(&mut self, id: RoomId, result: Result<Option<History>, Error>, now: Instant) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        room.heal = Heal::Idle;
        room.seen = now;
        let retry = match result {
            Ok(Some(history)) => {
                room.suspect = false;
                let has_more = history.has_more;
                let healed = self.mend(id, history);
                if healed == 0 && !has_more {
                    // The store does not show yet what somebody spoke of: no hurry.
                    true
                } else {
                    counter!("parlour_holes_healed_total").increment(healed);
                    false
                }
            }
            Ok(None) => {
                room.end(&mut self.people, &mut self.turn);
                false
            }
            Err(error) => {
                tracing::debug!(%error, room = %id, "a hole could not be read");
                true
            }
        };
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        if retry && room.is_wanting() {
            let seed = u64::try_from(id.get()).unwrap_or(0) ^ u64::from(room.tries);
            let pause = (FIRST_PAUSE * 2_u32.pow(room.tries.min(6))).min(MAX_PAUSE);
            room.tries += 1;
            self.look_again(id, now + spread(seed, pause / 2, pause));
        } else if !retry && matches!(room.order.need(), Need::After(_)) {
            // A long hole: go on when the readers had their time.
            room.tries = 0;
            room.patient_until.get_or_insert(now + PATIENCE);
            self.look_again(id, now + PACE);
        } else {
            room.tries = 0;
            room.patient_until = None;
            self.watch(id, now);
        }
    }

    /// Asks the store about a room at this time.
    fn look_again(&mut self, id: RoomId, due: Instant) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.heal = Heal::Waiting {
                due,
                position: room.order.position(),
            };
            self.dues.push(Reverse((due, id)));
        }
    }

    /// Lets history through; answers how many of its events were news.
    fn mend(&mut self, id: RoomId, history: History) -> u64 {
        let Some(room) = self.rooms.get_mut(&id) else {
            return 0;
        };
        let Some(position) = room.order.position() else {
            return 0;
        };
        room.order.hear_of(history.seq);
        let mut events = history.events;
        events.retain(|event| event.seq > position);
        let owners = owners(room.owner, &events);
        let mut healed = 0;
        for (event, owner) in events.into_iter().zip(owners) {
            let event = Arc::new(event);
            if room.offer_with_owner(event, owner, &mut self.people, &mut self.turn) {
                healed += 1;
            }
        }
        healed
    }
}
