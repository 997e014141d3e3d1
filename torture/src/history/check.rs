//! The checker.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Acked, Carries, Event, History, Message, Rule, Sent, Stream, Violation, What};

/// Every way in which the history breaks the rules; empty when the promise was kept.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let kept = Kept::of(history);
    let sends = Sends::of(&history.sends);
    let mut found = kept.sequence();
    acked_is_kept(history, &kept, &mut found);
    none_or_one(history, &kept, &mut found);
    for (room, seq, message) in kept.messages() {
        if let Some(text) = sends.stranger(room, message) {
            let text = format!("kept, but {text}");
            found.push(violation(Rule::OnlyWhatWasSent, room, Some(seq), &[], text));
        }
    }
    let mut seen: HashMap<(u32, i64), BTreeSet<u64>> = HashMap::new();
    for stream in &history.streams {
        let seen = seen.entry((stream.client, stream.room)).or_default();
        one_sequence(stream, &kept, seen, &mut found);
        contents(stream, &kept, &sends, &mut found);
        members_only(stream, &kept, &mut found);
    }
    found
}

fn violation(
    rule: Rule,
    room: i64,
    seq: Option<u64>,
    clients: &[u32],
    text: impl Into<String>,
) -> Violation {
    Violation {
        rule,
        room,
        seq,
        clients: clients.to_vec(),
        text: text.into(),
    }
}

/// Room and place of a message.
type Place<'a> = (i64, u64, &'a Message);

/// The final history, by room and place.
struct Kept<'a> {
    rooms: BTreeMap<i64, BTreeMap<u64, &'a Event>>,
    by_nonce: HashMap<(i64, &'a str), Vec<Place<'a>>>,
    repeated: Vec<(i64, u64)>,
    /// Person and room to first and last place.
    times: HashMap<(i64, i64), Vec<(u64, u64)>>,
}

impl<'a> Kept<'a> {
    fn of(history: &'a History) -> Self {
        let mut kept = Self {
            rooms: BTreeMap::new(),
            by_nonce: HashMap::new(),
            repeated: Vec::new(),
            times: HashMap::new(),
        };
        for time in &history.memberships {
            let times = kept.times.entry((time.person, time.room)).or_default();
            times.push((time.from, time.to.unwrap_or(u64::MAX)));
        }
        for event in &history.kept {
            let room = kept.rooms.entry(event.room).or_default();
            if room.insert(event.seq, event).is_some() {
                kept.repeated.push((event.room, event.seq));
            }
            if let What::Message(message) = &event.what
                && let Some(nonce) = &message.nonce
            {
                let places = kept.by_nonce.entry((message.author, nonce)).or_default();
                places.push((event.room, event.seq, message));
            }
        }
        kept
    }

    fn messages(&self) -> impl Iterator<Item = (i64, u64, &'a Message)> {
        let events = self.rooms.values().flat_map(BTreeMap::values);
        events.filter_map(|event| match &event.what {
            What::Message(message) => Some((event.room, event.seq, message)),
            _ => None,
        })
    }

    /// The history itself: 1, 2, 3 without a hole, no message at two places.
    fn sequence(&self) -> Vec<Violation> {
        let rule = Rule::OneSequence;
        let mut found: Vec<Violation> = self
            .repeated
            .iter()
            .map(|(room, seq)| violation(rule, *room, Some(*seq), &[], "kept twice"))
            .collect();
        for (room, events) in &self.rooms {
            for (expected, seq) in (1..).zip(events.keys()) {
                if *seq != expected {
                    let text = format!("the history has no {expected}");
                    found.push(violation(rule, *room, Some(expected), &[], text));
                    break;
                }
            }
        }
        let mut ids = HashMap::new();
        for (room, seq, message) in self.messages() {
            if let Some(first) = ids.insert(message.id, seq) {
                let text = format!("message {} stands at {first} and at {seq}", message.id);
                found.push(violation(rule, room, Some(seq), &[], text));
            }
        }
        found
    }

    /// What a stream must tell after a position; none at the end. What happened while the person
    /// was not in the room is passed over.
    fn next(&self, stream: &Stream, after: u64) -> Option<u64> {
        let mut later = self.rooms.get(&stream.room)?.range(after + 1..);
        let times = self.times(stream);
        let carried = |event: &Event| match stream.carries {
            Carries::Everything => true,
            Carries::Messages => matches!(event.what, What::Message(_)),
        };
        let found = later.find(|(seq, event)| carried(event) && within(times, **seq));
        found.map(|(seq, _)| *seq)
    }

    /// When the person of a stream was in its room.
    fn times(&self, stream: &Stream) -> &[(u64, u64)] {
        let times = self.times.get(&(stream.person, stream.room));
        times.map_or(&[], Vec::as_slice)
    }
}

fn within(times: &[(u64, u64)], seq: u64) -> bool {
    times.iter().any(|(from, to)| (*from..=*to).contains(&seq))
}

/// What clients tried to send.
struct Sends<'a> {
    by_nonce: HashMap<(i64, &'a str), &'a Sent>,
    texts: HashSet<(i64, i64, &'a str)>,
}

impl<'a> Sends<'a> {
    fn of(sends: &'a [Sent]) -> Self {
        Self {
            by_nonce: sends
                .iter()
                .map(|sent| ((sent.person, sent.nonce.as_ref()), sent))
                .collect(),
            texts: sends
                .iter()
                .map(|sent| (sent.room, sent.person, sent.text.as_ref()))
                .collect(),
        }
    }

    /// Why this message was not sent as it is.
    fn stranger(&self, room: i64, message: &Message) -> Option<String> {
        let Message {
            id, author, text, ..
        } = message;
        let Some(nonce) = &message.nonce else {
            let known = self.texts.contains(&(room, *author, text));
            return (!known).then(|| format!("{author} did not send message {id}: {text:?}"));
        };
        match self.by_nonce.get(&(*author, nonce.as_ref())) {
            None => Some(format!("{author} did not send nonce {nonce}: {text:?}")),
            Some(sent) if sent.room != room || sent.text != *text => Some(format!(
                "nonce {nonce} was sent to room {} as {:?}, not as {text:?}",
                sent.room, sent.text
            )),
            Some(_) => None,
        }
    }
}

/// Rule 1.
fn acked_is_kept(history: &History, kept: &Kept<'_>, found: &mut Vec<Violation>) {
    let rooms: HashMap<(i64, &str), i64> = history
        .sends
        .iter()
        .map(|sent| ((sent.person, sent.nonce.as_ref()), sent.room))
        .collect();
    for ack in &history.acks {
        let Acked {
            client,
            person,
            nonce,
            id,
            seq,
        } = ack;
        let key = (*person, nonce.as_ref());
        let room = rooms.get(&key).copied().unwrap_or_default();
        let places = kept.by_nonce.get(&key).map_or(&[][..], Vec::as_slice);
        let promised = places
            .iter()
            .any(|(at, place, message)| *at == room && place == seq && message.id == *id);
        if !promised {
            let text = match places.first() {
                None => format!("message {id}, nonce {nonce}, was acknowledged and is gone"),
                Some((_, place, message)) => format!(
                    "nonce {nonce} was acknowledged as message {id}, and is {} at {place}",
                    message.id
                ),
            };
            found.push(violation(
                Rule::AckedIsKept,
                room,
                Some(*seq),
                &[*client],
                text,
            ));
        }
    }
}

/// Rule 6. What was acknowledged must not be there twice either.
fn none_or_one(history: &History, kept: &Kept<'_>, found: &mut Vec<Violation>) {
    for sent in &history.sends {
        let key = (sent.person, sent.nonce.as_ref());
        if let Some([_, more @ ..]) = kept.by_nonce.get(&key).map(Vec::as_slice)
            && let Some((room, seq, _)) = more.first()
        {
            let text = format!("nonce {} became {} messages", sent.nonce, more.len() + 1);
            found.push(violation(
                Rule::NoneOrOne,
                *room,
                Some(*seq),
                &[sent.client],
                text,
            ));
        }
    }
}

/// Rules 2 and 3. `seen` is what the client's earlier streams of the room brought.
fn one_sequence(
    stream: &Stream,
    kept: &Kept<'_>,
    seen: &mut BTreeSet<u64>,
    found: &mut Vec<Violation>,
) {
    let mut report = |rule, seq, text: String| {
        found.push(violation(
            rule,
            stream.room,
            Some(seq),
            &[stream.client],
            text,
        ));
    };
    let mut last = stream.after;
    let times = kept.times(stream);
    // What must not have been heard at all is the business of rule 5.
    let heard = stream.receipts.iter().map(|receipt| receipt.seq);
    for seq in heard.filter(|seq| within(times, *seq)) {
        if !seen.insert(seq) {
            report(Rule::NoDuplicate, seq, "delivered twice".to_owned());
            last = last.map(|last| last.max(seq));
            continue;
        }
        if let Some(last) = last {
            if seq <= last {
                report(Rule::OneSequence, seq, format!("came after {last}"));
                continue;
            }
            match kept.next(stream, last) {
                Some(next) if next == seq => {}
                Some(next) if next < seq => {
                    report(
                        Rule::OneSequence,
                        next,
                        format!("missing: {seq} came after {last}"),
                    );
                }
                _ => report(Rule::OneSequence, seq, "delivered, but not kept".to_owned()),
            }
        }
        last = Some(seq);
    }
    if stream.to_the_end
        && let Some(last) = last
        && let Some(next) = kept.next(stream, last)
    {
        report(
            Rule::OneSequence,
            next,
            format!("missing: nothing came after {last}"),
        );
    }
}

/// Rules 3 and 4: what was delivered is what is kept, and what was sent.
fn contents(stream: &Stream, kept: &Kept<'_>, sends: &Sends<'_>, found: &mut Vec<Violation>) {
    let room = kept.rooms.get(&stream.room);
    for receipt in &stream.receipts {
        let What::Message(message) = &receipt.what else {
            continue;
        };
        let mut report = |rule, text: String| {
            let seq = Some(receipt.seq);
            found.push(violation(rule, stream.room, seq, &[stream.client], text));
        };
        if let Some(text) = sends.stranger(stream.room, message) {
            report(Rule::OnlyWhatWasSent, format!("delivered, but {text}"));
            continue;
        }
        match room
            .and_then(|room| room.get(&receipt.seq))
            .map(|event| &event.what)
        {
            Some(What::Message(kept)) if kept.id != message.id => report(
                Rule::OneSequence,
                format!("delivered message {}, kept {}", message.id, kept.id),
            ),
            Some(What::Message(kept)) if kept.text != message.text => report(
                Rule::OnlyWhatWasSent,
                format!("delivered {:?}, kept {:?}", message.text, kept.text),
            ),
            Some(What::Joined(_) | What::Left(_)) => report(
                Rule::OneSequence,
                format!(
                    "delivered message {} where somebody came or went",
                    message.id
                ),
            ),
            // A message may have been deleted since; a place that is not kept is found above.
            _ => {}
        }
    }
}

/// Rule 5.
fn members_only(stream: &Stream, kept: &Kept<'_>, found: &mut Vec<Violation>) {
    let times = kept.times(stream);
    for receipt in &stream.receipts {
        let seq = receipt.seq;
        if !within(times, seq) {
            let text = format!("{} may hear {times:?} only", stream.person);
            found.push(violation(
                Rule::MembersOnly,
                stream.room,
                Some(seq),
                &[stream.client],
                text,
            ));
        }
    }
}
