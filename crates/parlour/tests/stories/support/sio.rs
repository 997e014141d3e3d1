//! A client of Socket.IO, as far as stories need one.

use super::{Server, Socket, Value, json};
use std::collections::VecDeque;

/// An open connection over WebSocket with the namespace `/`, or one of a room.
#[derive(Debug)]
pub(crate) struct Sio {
    pub(crate) socket: Socket,
    /// What packets of the namespace begin with, after their type.
    space: String,
    next_id: u64,
    /// Events that came while an acknowledgement was waited for.
    events: VecDeque<(String, Value)>,
}

/// The path of the WebSocket.
pub(crate) const PATH: &str = "/socket.io/?EIO=4&transport=websocket";

impl Sio {
    /// A WebSocket that has read the opening packet.
    pub(crate) async fn bare(server: &Server, headers: &[(&'static str, &str)]) -> Socket {
        let mut socket = Socket::open_at(server.address(), PATH, headers)
            .await
            .unwrap_or_else(|status| panic!("no socket: {status}"));
        let opening = socket.next_text().await;
        assert!(opening.starts_with("0{\"sid\":"), "{opening}");
        socket
    }

    /// Connects a namespace; what the server refuses it with.
    pub(crate) async fn connect(
        server: &Server,
        name: &str,
        auth: &Value,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Value> {
        let mut socket = Self::bare(server, headers).await;
        let space = if name == "/" {
            String::new()
        } else {
            format!("{name},")
        };
        socket.send_text(format!("40{space}{auth}")).await;
        let answer = socket.next_text().await;
        if let Some(refusal) = answer.strip_prefix(&format!("44{space}")) {
            return Err(serde_json::from_str(refusal).expect("JSON"));
        }
        assert!(
            answer.starts_with(&format!("40{space}{{\"sid\":")),
            "{answer}"
        );
        let mut sio = Self {
            socket,
            space,
            next_id: 0,
            events: VecDeque::new(),
        };
        assert_eq!(sio.next().await.0, "hello");
        Ok(sio)
    }

    /// Connects `/` with a token.
    pub(crate) async fn open(server: &Server, token: &str) -> Self {
        Self::connect(server, "/", &json!({ "token": token }), &[])
            .await
            .unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    /// The next packet's data, if it is of this type.
    async fn packet(&mut self) -> (char, String) {
        loop {
            let text = self.socket.next_text().await;
            if text == "2" {
                self.socket.send_text("3").await;
                continue;
            }
            let packet = text.strip_prefix('4').unwrap_or_else(|| panic!("{text}"));
            let (kind, rest) = packet.split_at(1);
            let rest = rest.strip_prefix(self.space.as_str());
            let rest = rest.unwrap_or_else(|| panic!("another namespace: {text}"));
            return (kind.chars().next().expect("a type"), rest.to_owned());
        }
    }

    /// The next event.
    pub(crate) async fn next(&mut self) -> (String, Value) {
        if let Some(event) = self.events.pop_front() {
            return event;
        }
        match self.packet().await {
            ('2', data) => event(&data),
            (kind, data) => panic!("an event was expected, not {kind}{data}"),
        }
    }

    /// The next event of this name; others before it are dropped.
    pub(crate) async fn next_of(&mut self, name: &str) -> Value {
        loop {
            let (other, argument) = self.next().await;
            if other == name {
                return argument;
            }
        }
    }

    pub(crate) async fn emit(&mut self, name: &str, argument: &Value) {
        let packet = format!("42{}{}", self.space, json!([name, argument]));
        self.socket.send_text(packet).await;
    }

    /// Emits, and waits for the acknowledgement.
    pub(crate) async fn ask(&mut self, name: &str, argument: Value) -> Value {
        self.next_id += 1;
        let (id, space) = (self.next_id, &self.space);
        let packet = format!("42{space}{id}{}", json!([name, argument]));
        self.socket.send_text(packet).await;
        loop {
            match self.packet().await {
                ('2', data) => self.events.push_back(event(&data)),
                ('3', data) => {
                    let data = data.strip_prefix(&id.to_string()).expect("this id");
                    let mut data: Vec<Value> = serde_json::from_str(data).expect("JSON");
                    return data.remove(0);
                }
                (kind, data) => panic!("{kind}{data}"),
            }
        }
    }

    /// The next packet must end the namespace.
    pub(crate) async fn expect_disconnect(&mut self) {
        loop {
            match self.packet().await {
                ('2', _) => {}
                ('1', _) => return,
                (kind, data) => panic!("{kind}{data}"),
            }
        }
    }
}

fn event(data: &str) -> (String, Value) {
    let mut data: Vec<Value> = serde_json::from_str(data).unwrap_or_else(|_| panic!("{data}"));
    let argument = data.pop().expect("an argument");
    (data[0].as_str().expect("a name").to_owned(), argument)
}
