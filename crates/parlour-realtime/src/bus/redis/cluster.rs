//! The bus over a Redis Cluster: channels and keys are where their slots are. One task has the map of
//! slots and sends everything to its shard; each shard connects, fails and comes back on its own
//! ([`shard`]).
//!
//! All keys, and the channel for all, are on one shard (their names have the same part in braces): the
//! home of this family of processes. Rooms are on all of them.
//!
//! While anything is missing (a shard, an owner of a slot, the home) hubs look into the database as
//! often as they do without any Redis. What was not heard or not said while a shard was away or a slot moved ends in a
//! comparison of positions: here for each room that is followed anew, and everywhere by the word
//! that this process could not say everything.

mod home;
mod scout;
mod shard;
mod slots;
mod wanted;

use super::{
    Channel, RedisError, Word,
    address::{Address, Seeds},
    link::{BATCH, GAPS},
    next_pause, people,
    shared::{Shared, show_connected},
    wire,
};
use crate::bus::{Bus as _, LocalBus, News};
use metrics::{counter, gauge};
use scout::Witness;
pub(super) use scout::inspect;
use shard::{Event, Happened, Shard};
use slots::{SlotMap, slot};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

/// How often the map is read when nothing seems to have changed.
const LOOK: Duration = Duration::from_secs(5);
/// How many events of shards may wait; shards wait then.
const EVENTS: usize = 1_024;

type Looked = Result<SlotMap, RedisError>;

/// Has the map, the shards and what goes to them.
pub(super) struct Link {
    seeds: Seeds,
    local: Arc<LocalBus>,
    shared: Arc<Shared>,
    map: SlotMap,
    shards: HashMap<Address, Shard>,
    /// Wanted, and nobody owns its slot.
    homeless: HashSet<Channel>,
    /// Words whose slot went elsewhere; they wait for the next map.
    held: Vec<Word>,
    sender: mpsc::Sender<Event>,
    events: mpsc::Receiver<Event>,
    /// The home knows this process and who is here.
    is_home: bool,
    state: State,
    looking: JoinSet<Looked>,
    next_look: Instant,
    looks: u32,
    counter: u64,
}

/// What hubs were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Starting,
    Whole,
    Away,
}

impl Link {
    /// Connects, and looks whether this cluster will do and the other processes fit.
    ///
    /// # Errors
    /// Those of [`RedisError`] but `Url` and `Cluster`.
    pub(super) async fn connect(
        seeds: Seeds,
        local: Arc<LocalBus>,
        shared: Arc<Shared>,
    ) -> Result<Self, RedisError> {
        let map = scout::arrive(&seeds, &shared).await?;
        let (sender, events) = mpsc::channel(EVENTS);
        let mut link = Self {
            seeds,
            local,
            shared,
            map: SlotMap::default(),
            shards: HashMap::new(),
            homeless: HashSet::from([Channel::All]),
            held: Vec::new(),
            sender,
            events,
            is_home: false,
            state: State::Starting,
            looking: JoinSet::new(),
            next_look: Instant::now() + LOOK,
            looks: 0,
            counter: 0,
        };
        link.adopt(map);
        Ok(link)
    }

    /// Carries until stopped.
    pub(super) async fn run(mut self, mut words: mpsc::Receiver<Word>, stop: CancellationToken) {
        let mut beat = tokio::time::interval(people::BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut some = Vec::new();
        let mut next_gap = Instant::now();
        let shared = Arc::clone(&self.shared);
        loop {
            let is_lost = async {
                tokio::time::sleep_until(next_gap).await;
                shared.lost.notified().await;
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return self.leave().await,
                Some(event) = self.events.recv() => self.hear(event).await,
                _ = beat.tick() => self.beat().await,
                () = shared.peers_moved.notified() => self.beat().await,
                () = is_lost => {
                    next_gap = Instant::now() + GAPS;
                    self.own_up().await;
                }
                Some(found) = self.looking.join_next() => self.learn(found.ok()).await,
                () = tokio::time::sleep_until(self.next_look) => self.look(None),
                () = shared.interest.moved() => self.settle().await,
                count = words.recv_many(&mut some, BATCH) => {
                    if count == 0 {
                        return;
                    }
                    // Who is told that somebody left must not find them in the list any more.
                    self.settle().await;
                    for word in some.drain(..) {
                        self.say(word);
                    }
                }
            }
        }
    }

    fn owner(&self, channel: Channel) -> Option<&Address> {
        self.map.owner(slot(&self.shared.channel(channel)))
    }

    fn shard(&self, channel: Channel) -> Option<&Shard> {
        self.shards.get(self.owner(channel)?)
    }

    fn say(&self, word: Word) {
        let shard = self.shard(word.channel);
        if shard.is_none_or(|shard| shard.words.try_send(word).is_err()) {
            counter!("parlour_bus_dropped_total").increment(1);
            self.shared.note_unsaid();
        }
    }

    /// Tells shards and the home what moved.
    async fn settle(&mut self) {
        let moved = self.shared.interest.take();
        for room in moved.follow {
            self.follow(Channel::Room(room));
        }
        for room in moved.leave {
            let channel = Channel::Room(room);
            self.homeless.remove(&channel);
            if let Some(shard) = self.shard(channel) {
                shard.wanted.remove(channel);
            }
        }
        let rooms = self.shared.interest.rooms();
        gauge!("parlour_bus_rooms").set(u32::try_from(rooms).map_or(0.0, f64::from));
        if !moved.seats.is_empty()
            && let Some(mut home) = self.shared.connection()
        {
            let done = people::seat(&mut home, &self.shared, moved.seats).await;
            self.home_did(done).await;
        }
    }

    fn follow(&mut self, channel: Channel) {
        match self.shard(channel) {
            Some(shard) => shard.wanted.add(channel),
            None => {
                self.homeless.insert(channel);
            }
        }
    }

    /// Tells the others that this process is here, and that they may not have heard everything from it.
    fn show_up(&self) {
        self.say(Word {
            channel: Channel::All,
            frame: wire::peer(self.shared.node()),
            again: false,
        });
    }

    /// Lets hubs compare with the database, here, and everywhere if the others missed something.
    async fn own_up(&mut self) {
        if self.shared.take_unsaid() && self.is_home {
            self.show_up();
        }
        // While something is away they compare all the time.
        if self.state == State::Whole {
            self.local.publish(News::Gap).await;
        }
    }

    async fn hear(&mut self, Event { id, what }: Event) {
        let known = self.shards.iter_mut().find(|(_, shard)| shard.id == id);
        let Some((address, shard)) = known else {
            return;
        };
        let address = address.clone();
        match what {
            Happened::Up(connection) => {
                tracing::debug!(%address, "a shard is here");
                shard.connection = Some(connection);
                shard.is_lame = false;
            }
            Happened::Down(error) => {
                let was_up = shard.connection.take().is_some();
                if was_up || self.state == State::Starting {
                    tracing::warn!(%address, %error, "a shard of Redis is away: its rooms are heard through the database");
                }
                self.is_home &= self.owner(Channel::All) != Some(&address);
                self.look(None);
                self.go_away().await;
            }
            Happened::Lame(is) => {
                shard.is_lame = is;
                if is {
                    self.look(Some(&address));
                }
            }
            Happened::Astray(words) => {
                self.hold(words);
                self.look(Some(&address));
            }
        }
        self.update().await;
    }

    fn hold(&mut self, words: Vec<Word>) {
        for word in words {
            if word.again || self.held.len() >= EVENTS {
                counter!("parlour_bus_dropped_total").increment(1);
                self.shared.note_unsaid();
            } else {
                self.held.push(Word {
                    again: true,
                    ..word
                });
            }
        }
    }

    /// Reads the map, if nobody does already. Who gave a slot away knows best where it went.
    fn look(&mut self, knows: Option<&Address>) {
        self.next_look = Instant::now() + LOOK;
        if !self.looking.is_empty() {
            return;
        }
        let mut addresses: Vec<_> = knows.into_iter().cloned().collect();
        let up = |(_, shard): &(&Address, &Shard)| shard.connection.is_some();
        let (carry, away): (Vec<_>, Vec<_>) = self.shards.iter().partition(up);
        addresses.extend(carry.into_iter().map(|(address, _)| address.clone()));
        addresses.extend(self.map.replicas().iter().cloned());
        addresses.extend(self.seeds.hosts.iter().cloned());
        addresses.extend(away.into_iter().map(|(address, _)| address.clone()));
        let mut seen = BTreeSet::new();
        addresses.retain(|address| seen.insert(address.clone()));
        let witness = |address: Address| Witness {
            connection: self
                .shards
                .get(&address)
                .and_then(|shard| shard.connection.clone()),
            address,
        };
        let witnesses: Vec<_> = addresses.into_iter().map(witness).collect();
        let seeds = self.seeds.clone();
        self.looking
            .spawn(async move { scout::look(&seeds, witnesses).await });
    }

    async fn learn(&mut self, found: Option<Looked>) {
        match found {
            Some(Ok(map)) => self.adopt(map),
            Some(Err(error)) => tracing::debug!(%error, "nobody knows the slots of the cluster"),
            None => {}
        }
        for word in std::mem::take(&mut self.held) {
            self.say(word);
        }
        self.update().await;
        if self.state == State::Whole {
            self.looks = 0;
        } else {
            self.next_look = Instant::now() + next_pause(&mut self.looks);
        }
    }

    /// From now on everything goes where this map says.
    fn adopt(&mut self, map: SlotMap) {
        if map.has_same_owners(&self.map) {
            // Who would follow an owner may have changed.
            self.map = map;
            return;
        }
        let moved = self.rearrange(map);
        if moved > 0 {
            counter!("parlour_bus_moved_total").increment(u64::try_from(moved).unwrap_or(u64::MAX));
        }
        // What was said to a former owner was heard by nobody.
        self.shared.note_unsaid();
    }

    fn rearrange(&mut self, map: SlotMap) -> usize {
        let old_home = self.owner(Channel::All).cloned();
        for address in map.owners() {
            if !self.shards.contains_key(address) {
                tracing::info!(%address, "a shard of Redis");
                self.counter += 1;
                let ours = (Arc::clone(&self.local), Arc::clone(&self.shared));
                let events = self.sender.clone();
                let shard = Shard::start(self.counter, address.clone(), &self.seeds, events, ours);
                self.shards.insert(address.clone(), shard);
            }
        }
        self.map = map;
        let mut moved: Vec<_> = Vec::new();
        for (address, shard) in &self.shards {
            let belongs = |channel| self.owner(channel) == Some(address);
            moved.extend(shard.wanted.give_up(belongs));
        }
        let count = moved.len();
        moved.extend(std::mem::take(&mut self.homeless));
        for channel in moved {
            self.follow(channel);
        }
        let owners: HashSet<_> = self.map.owners().into_iter().cloned().collect();
        self.shards.retain(|address, _| owners.contains(address));
        self.is_home &= self.owner(Channel::All) == old_home.as_ref();
        gauge!("parlour_bus_shards").set(u32::try_from(owners.len()).map_or(0.0, f64::from));
        count
    }

    /// Tells hubs that something is missing.
    async fn go_away(&mut self) {
        if self.state != State::Away {
            self.state = State::Away;
            show_connected(false);
            self.next_look = self.next_look.min(Instant::now() + GAPS);
            self.local.publish(News::Away).await;
        }
    }

    /// Tells hubs when anything goes missing, and when everything is there again.
    async fn update(&mut self) {
        if !self.is_home {
            self.shared.set_connection(None);
            self.come_home().await;
        }
        let up = |shard: &&Shard| shard.connection.is_some();
        let here = self.shards.values().filter(up).count();
        gauge!("parlour_bus_shards_connected").set(u32::try_from(here).map_or(0.0, f64::from));
        let is_whole = self.is_home
            && self.homeless.is_empty()
            && self.map.is_complete()
            && self.shards.values().all(Shard::is_whole);
        match (self.state, is_whole) {
            (State::Starting | State::Away, true) => {
                tracing::info!(shards = self.shards.len(), "all shards of Redis are here");
                self.state = State::Whole;
                show_connected(true);
                self.shared.take_unsaid();
                self.show_up();
                self.local.publish(News::Gap).await;
            }
            (State::Whole, false) => self.go_away().await,
            _ => {}
        }
    }
}
