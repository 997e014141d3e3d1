use super::*;

const ROOM: i64 = 1;
const ADA: i64 = 10;
const BOB: i64 = 20;

fn message(id: i64, author: i64, nonce: &str) -> Message {
    Message {
        id,
        author,
        nonce: Some(nonce.into()),
        text: format!("text of {nonce}").into(),
    }
}

fn said(seq: u64, author: i64, nonce: &str) -> Receipt {
    let id = i64::try_from(seq).expect("small") + 100;
    Receipt {
        seq,
        what: What::Message(message(id, author, nonce)),
    }
}

fn sent(client: u32, person: i64, nonce: &str) -> Sent {
    Sent {
        client,
        person,
        room: ROOM,
        nonce: nonce.into(),
        text: format!("text of {nonce}").into(),
    }
}

fn stream(client: u32, person: i64, after: u64, receipts: Vec<Receipt>) -> Stream {
    Stream {
        client,
        person,
        room: ROOM,
        incarnation: 0,
        carries: Carries::Everything,
        after: Some(after),
        to_the_end: true,
        receipts,
    }
}

/// The room begins (1), Bob joins (2), Ada says a (3), Bob says b (4), Ada says c (5) without being
/// told that it was stored, Bob leaves (6). Ada owns the room and hears it with two clients.
fn good() -> History {
    let other = |seq, what| Receipt { seq, what };
    let all = vec![
        other(1, What::Other),
        other(2, What::Joined(BOB)),
        said(3, ADA, "a"),
        said(4, BOB, "b"),
        said(5, ADA, "c"),
        other(6, What::Left(BOB)),
    ];
    let kept: Vec<Event> = all
        .iter()
        .map(|receipt| Event {
            room: ROOM,
            seq: receipt.seq,
            what: receipt.what.clone(),
        })
        .collect();
    let mut bobs = stream(1, BOB, 1, all[1..].to_vec());
    bobs.to_the_end = false;
    let mut messages = stream(2, ADA, 2, all[2..5].to_vec());
    messages.carries = Carries::Messages;
    History {
        sends: vec![
            sent(0, ADA, "a"),
            sent(1, BOB, "b"),
            sent(0, ADA, "c"),
            sent(0, ADA, "never stored"),
        ],
        acks: vec![ack(0, ADA, "a", 3), ack(1, BOB, "b", 4)],
        streams: vec![stream(0, ADA, 0, all), bobs, messages],
        memberships: memberships(&kept, &BTreeMap::from([(ROOM, ADA)])),
        kept,
        surprises: Vec::new(),
    }
}

fn ack(client: u32, person: i64, nonce: &str, seq: u64) -> Acked {
    Acked {
        client,
        person,
        nonce: nonce.into(),
        id: i64::try_from(seq).expect("small") + 100,
        seq,
    }
}

/// The rules that a good history breaks after one change, each once.
fn broken(change: impl FnOnce(&mut History)) -> Vec<Rule> {
    let mut history = good();
    change(&mut history);
    let mut rules: Vec<Rule> = check(&history).iter().map(|found| found.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

#[test]
fn a_good_history_breaks_nothing() {
    assert_eq!(check(&good()), []);
    assert_eq!(
        memberships(&good().kept, &BTreeMap::from([(ROOM, ADA)])),
        [
            Membership {
                person: BOB,
                room: ROOM,
                from: 2,
                to: Some(6)
            },
            Membership {
                person: ADA,
                room: ROOM,
                from: 1,
                to: None
            },
        ]
    );
}

#[test]
fn a_client_that_came_late_and_one_that_began_anew_are_good() {
    let rules = broken(|history| {
        history.streams[0].receipts.drain(..3);
        history.streams[0].after = None;
        let mut again = history.streams[1].clone();
        let tail = again.receipts.split_off(3);
        history.streams[1].receipts = again.receipts.clone();
        again.receipts = tail;
        again.incarnation = 1;
        again.after = None;
        history.streams.push(again);
    });
    assert_eq!(rules, []);
}

/// Bob comes back (7), Ada says d (8), Bob says e (9).
fn bob_comes_back(history: &mut History) {
    let more = [
        Receipt {
            seq: 7,
            what: What::Joined(BOB),
        },
        said(8, ADA, "d"),
        said(9, BOB, "e"),
    ];
    history.kept.extend(more.iter().map(|receipt| Event {
        room: ROOM,
        seq: receipt.seq,
        what: receipt.what.clone(),
    }));
    history.sends.extend([sent(0, ADA, "d"), sent(1, BOB, "e")]);
    history.memberships = memberships(&history.kept, &BTreeMap::from([(ROOM, ADA)]));
    history.streams.truncate(2);
    for stream in &mut history.streams {
        stream.to_the_end = true;
        stream.receipts.extend(more.clone());
    }
}

#[test]
fn what_was_said_while_one_was_away_is_no_hole() {
    assert_eq!(broken(bob_comes_back), []);
    let rules = broken(|history| {
        // Somebody else spoke in between: Bob is not to hear that.
        bob_comes_back(history);
        history.kept[6].what = What::Message(message(107, ADA, "between"));
        history.streams[0].receipts[6].what = history.kept[6].what.clone();
        history.sends.push(sent(0, ADA, "between"));
        history.streams[1].receipts.remove(5);
        history.memberships[1].from = 8;
    });
    assert_eq!(rules, []);
}

#[test]
fn rule_3_nothing_after_coming_back_or_the_first_missing() {
    for missing in [5, 6, 7] {
        let rules = broken(|history| {
            bob_comes_back(history);
            history.streams[1].receipts.remove(missing);
        });
        assert_eq!(rules, [Rule::OneSequence], "{missing}");
    }
    let rules = broken(|history| {
        bob_comes_back(history);
        history.streams[1].receipts.truncate(5);
    });
    assert_eq!(rules, [Rule::OneSequence]);
}

#[test]
fn rule_1_an_acknowledged_message_that_is_gone() {
    // It vanished with everything after it, as in a power cut, and came to nobody.
    let mut history = good();
    history.kept.truncate(2);
    for stream in &mut history.streams {
        stream.receipts.retain(|receipt| receipt.seq <= 2);
    }
    let found = check(&history);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|found| found.rule == Rule::AckedIsKept));
    assert_eq!((found[0].seq, &found[0].clients), (Some(3), &vec![0]));
}

#[test]
fn rule_1_an_acknowledged_message_that_moved() {
    let rules = broken(|history| history.acks[0].seq = 5);
    assert_eq!(rules, [Rule::AckedIsKept]);
    let rules = broken(|history| history.acks[1].id = 999);
    assert_eq!(rules, [Rule::AckedIsKept]);
}

#[test]
fn rule_2_the_same_twice() {
    let rules = broken(|history| {
        let again = history.streams[0].receipts[3].clone();
        history.streams[0].receipts.push(again);
    });
    assert_eq!(rules, [Rule::NoDuplicate]);
}

#[test]
fn rule_2_the_same_again_after_coming_back() {
    let rules = broken(|history| {
        let mut again = history.streams[2].clone();
        again.receipts.drain(..2);
        again.after = Some(4);
        again.incarnation = 1;
        history.streams.push(again);
    });
    assert_eq!(rules, [Rule::NoDuplicate]);
}

#[test]
fn rule_3_a_hole_in_the_middle_at_the_begin_at_the_end() {
    for hole in [0, 3, 5] {
        let rules = broken(|history| drop(history.streams[0].receipts.remove(hole)));
        assert_eq!(rules, [Rule::OneSequence], "{hole}");
    }
    // Messages alone skip numbers, but no message.
    for hole in [0, 1, 2] {
        let rules = broken(|history| drop(history.streams[2].receipts.remove(hole)));
        assert_eq!(rules, [Rule::OneSequence], "{hole}");
    }
}

#[test]
fn rule_3_another_order_or_another_message() {
    let rules = broken(|history| history.streams[0].receipts.swap(2, 3));
    assert_eq!(rules, [Rule::OneSequence]);
    let rules = broken(|history| {
        history.streams[0].receipts[2].what = What::Message(message(104, ADA, "a"));
    });
    assert_eq!(rules, [Rule::OneSequence]);
}

#[test]
fn rule_3_delivered_and_then_gone() {
    let rules = broken(|history| history.kept.truncate(4));
    assert_eq!(rules, [Rule::OneSequence]);
}

#[test]
fn rule_3_a_history_with_a_hole_or_a_message_at_two_places() {
    let mut history = good();
    history.kept.remove(1);
    history.streams.clear();
    let rules: Vec<Rule> = check(&history).iter().map(|found| found.rule).collect();
    assert_eq!(rules, [Rule::OneSequence]);
    let rules = broken(|history| {
        history.kept[4].what = What::Message(message(103, ADA, "c"));
        history.streams.clear();
    });
    assert_eq!(rules, [Rule::OneSequence]);
}

#[test]
fn rule_4_nobody_sent_it_or_not_so() {
    let rules = broken(|history| drop(history.sends.remove(2)));
    assert_eq!(rules, [Rule::OnlyWhatWasSent]);
    let changed = |what: &mut What| {
        if let What::Message(message) = what {
            message.text = "text of a ".into();
        }
    };
    let rules = broken(|history| changed(&mut history.streams[1].receipts[1].what));
    assert_eq!(rules, [Rule::OnlyWhatWasSent]);
    // The same where the dialect tells no nonce.
    let rules = broken(|history| {
        let what = &mut history.streams[2].receipts[0].what;
        changed(what);
        if let What::Message(message) = what {
            message.nonce = None;
        }
    });
    assert_eq!(rules, [Rule::OnlyWhatWasSent]);
}

#[test]
fn rule_5_after_leaving_before_joining_or_never_there() {
    let rules = broken(|history| history.memberships[0].to = Some(5));
    assert_eq!(rules, [Rule::MembersOnly]);
    let rules = broken(|history| history.memberships[0].from = 3);
    assert_eq!(rules, [Rule::MembersOnly]);
    let rules = broken(|history| history.memberships.clear());
    assert_eq!(rules, [Rule::MembersOnly]);
}

#[test]
fn rule_6_one_send_two_messages() {
    let mut history = good();
    let twice = Event {
        room: ROOM,
        seq: 7,
        what: What::Message(message(107, ADA, "c")),
    };
    history.streams.clear();
    history.kept.push(twice);
    let found = check(&history);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].rule, found[0].seq), (Rule::NoneOrOne, Some(7)));
    assert!(
        found[0]
            .to_string()
            .starts_with("rule 6 none or one: room 1, seq 7")
    );
}
