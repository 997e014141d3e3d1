//! The client and the checker against a server that lies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message as WsMessage;

use super::*;
use crate::history::{Event, Message, Rule, What, check};

const ROOM: RoomId = 1;
/// The place at which the lie is told.
const AT: u64 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    None,
    NotDelivered,
    DeliveredTwice,
    OtherBytes,
    NotKept,
    KeptTwice,
    ResumedTooLate,
    ResumedTooEarly,
}

/// What a small, otherwise honest server keeps.
#[derive(Debug)]
struct Liar {
    lie: Lie,
    kept: Mutex<Vec<Value>>,
}

impl Liar {
    async fn start(lie: Lie) -> (Arc<Self>, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("bound");
        let liar = Arc::new(Self {
            lie,
            kept: Mutex::default(),
        });
        let serving = Arc::clone(&liar);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&serving).serve(stream));
            }
        });
        (liar, addr)
    }

    fn kept<T>(&self, look: impl FnOnce(&mut Vec<Value>) -> T) -> T {
        look(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let mut socket = tokio_tungstenite::accept_async(stream)
            .await
            .expect("an upgrade");
        let position = self.kept(|kept| kept.len());
        let cursors = json!({ROOM.to_string(): position});
        let mut answers = vec![json!({"type": "hello", "epoch": "e", "cursors": cursors})];
        loop {
            for answer in answers.drain(..) {
                if socket
                    .send(WsMessage::text(answer.to_string()))
                    .await
                    .is_err()
                {
                    return;
                }
            }
            match socket.next().await {
                Some(Ok(WsMessage::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).expect("JSON");
                    answers = match frame["type"].as_str() {
                        Some("resume") => self.resume(&frame),
                        Some("send") => self.send(&frame),
                        other => panic!("what is {other:?}"),
                    };
                }
                Some(Ok(_)) => {}
                _ => return,
            }
        }
    }

    fn resume(&self, frame: &Value) -> Vec<Value> {
        let Some(cursor) = frame["cursors"][ROOM.to_string()].as_u64() else {
            return Vec::new();
        };
        let from = match self.lie {
            Lie::ResumedTooLate => cursor + 1,
            Lie::ResumedTooEarly => cursor.saturating_sub(1),
            _ => cursor,
        };
        self.kept(|kept| {
            let missed = kept.iter().skip(from as usize).cloned();
            let end = json!({"type": "recovered", "room": ROOM, "seq": kept.len()});
            missed.chain([end]).collect()
        })
    }

    fn send(&self, frame: &Value) -> Vec<Value> {
        self.kept(|kept| {
            let known = kept
                .iter()
                .position(|event| event["message"]["nonce"] == frame["nonce"]);
            let seq = known.map_or(kept.len() + 1, |index| index + 1);
            let event = json!({
                "type": "message.created", "room": ROOM, "seq": seq,
                "message": {"id": seq, "owner": 7, "text": frame["text"], "nonce": frame["nonce"]},
            });
            let ack = json!({"type": "ack", "nonce": frame["nonce"], "id": seq, "seq": seq});
            if known.is_some() {
                return vec![ack];
            }
            kept.push(event.clone());
            let mut told = event.clone();
            match self.lie {
                Lie::NotDelivered if seq as u64 == AT => vec![ack],
                Lie::DeliveredTwice if seq as u64 == AT => vec![told, ack, event],
                Lie::OtherBytes if seq as u64 == AT => {
                    told["message"]["text"] = json!("안녕?");
                    vec![told, ack]
                }
                _ => vec![ack, told],
            }
        })
    }

    /// The history as the server would tell it.
    fn history(&self) -> Vec<Event> {
        let mut events: Vec<Event> = self.kept(|kept| {
            let message = |event: &Value| Message {
                id: event["message"]["id"].as_i64().expect("an id"),
                author: 7,
                nonce: event["message"]["nonce"].as_str().map(Into::into),
                text: event["message"]["text"].as_str().expect("a text").into(),
            };
            let event = |event: &Value| Event {
                room: ROOM,
                seq: event["seq"].as_u64().expect("a place"),
                what: What::Message(message(event)),
            };
            kept.iter().map(event).collect()
        });
        match self.lie {
            Lie::NotKept => {
                events.pop();
            }
            Lie::KeptTwice => {
                let mut again = events[0].clone();
                again.seq = events.len() as u64 + 1;
                if let What::Message(message) = &mut again.what {
                    message.id = 1_000;
                }
                events.push(again);
            }
            _ => {}
        }
        events
    }
}

/// Says ten things, is cut in the middle, and checks; the rules that were broken.
async fn caught(lie: Lie) -> Vec<Rule> {
    let (liar, addr) = Liar::start(lie).await;
    let person = Person {
        id: 7,
        name: "ada".to_owned(),
        token: "t".to_owned(),
    };
    let recorder = Recorder::new();
    let client = Client::start(addr, &person, &recorder)
        .await
        .expect("greeted");
    let patience = Duration::from_secs(10);
    for number in 0..10 {
        if number == 7 {
            // Only what was heard is certain to be the cursor when it comes back.
            assert!(client.settled(patience).await);
            client.reached(ROOM, 7, patience).await;
            client.cut();
            assert!(client.greeted(1, patience).await);
        }
        client.say(ROOM);
    }
    assert!(client.settled(patience).await);
    client.reached(ROOM, 10, Duration::from_secs(1)).await;
    client.stop().await;
    let history = recorder.history(liar.history(), &BTreeMap::from([(ROOM, 7)]));
    let rules: BTreeSet<Rule> = check(&history).iter().map(|found| found.rule).collect();
    rules.into_iter().collect()
}

#[tokio::test]
async fn an_honest_server_passes() {
    assert_eq!(caught(Lie::None).await, []);
}

#[tokio::test]
async fn every_lie_is_caught() {
    for (lie, rules) in [
        (Lie::NotDelivered, &[Rule::OneSequence][..]),
        (Lie::DeliveredTwice, &[Rule::NoDuplicate]),
        (Lie::OtherBytes, &[Rule::OnlyWhatWasSent]),
        (Lie::NotKept, &[Rule::AckedIsKept, Rule::OneSequence]),
        (Lie::KeptTwice, &[Rule::OneSequence, Rule::NoneOrOne]),
        (Lie::ResumedTooEarly, &[Rule::NoDuplicate]),
    ] {
        assert_eq!(caught(lie).await, rules, "{lie:?}");
    }
}

#[tokio::test]
async fn what_a_resume_leaves_out_is_caught() {
    // Somebody else speaks while the client is away; here the client itself, over another socket.
    let (liar, addr) = Liar::start(Lie::ResumedTooLate).await;
    let person = Person {
        id: 7,
        name: "ada".to_owned(),
        token: "t".to_owned(),
    };
    let recorder = Recorder::new();
    let patience = Duration::from_secs(10);
    let away = Client::start(addr, &person, &recorder)
        .await
        .expect("greeted");
    away.say(ROOM);
    assert!(away.settled(patience).await && away.reached(ROOM, 1, patience).await);
    away.cut_for(Duration::from_secs(600));
    let other = Client::start(addr, &person, &recorder)
        .await
        .expect("greeted");
    other.say(ROOM);
    other.say(ROOM);
    assert!(other.settled(patience).await);
    away.come_back();
    assert!(away.reached(ROOM, 3, patience).await);
    away.stop().await;
    let history = recorder.history(liar.history(), &BTreeMap::from([(ROOM, 7)]));
    let found = check(&history);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].rule, found[0].seq), (Rule::OneSequence, Some(2)));
}
