//! All connections in one thread: reads what comes, sends what is due.

use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use mio::event::Event;
use mio::{Events, Interest, Poll, Token};

use super::client::Client;
use super::frame::{self, Frame};
use super::ledger::{Audience, Ledger};
use super::marker::{self, Marker};
use super::meter::{Meter, Phase};
use super::pace::{Clockwork, Due};
use super::wire::{Other, Wire};

/// Shared by all connections; must hold the largest frame.
const BUFFER: usize = 2 << 20;
const EVENTS: usize = 1024;
/// The longest sleep, so that the phases begin and end in time.
const NAP: Duration = Duration::from_millis(5);

/// What a run is told.
pub(crate) struct Setting {
    pub(crate) wire: Wire,
    pub(crate) audience: Audience,
    /// Which connections are at the second node.
    pub(crate) far: Vec<bool>,
    /// The id of each room at the server.
    pub(crate) rooms: Vec<u64>,
    /// Tells this run's messages from others.
    pub(crate) run: u16,
}

/// The connections and what goes on between them.
pub(crate) struct Crowd {
    setting: Setting,
    poll: Poll,
    clients: Vec<Option<Client>>,
    ledger: Ledger,
    clock: Clockwork,
    meter: Meter,
    begun: Instant,
    /// Where the last marker was found.
    hint: usize,
    /// Senders of messages that everybody has by now.
    completed: Vec<usize>,
    /// Kept to spare allocations.
    due: Vec<Due>,
    content: Vec<u8>,
}

impl Crowd {
    /// Takes over connections that are open.
    pub(crate) fn new(
        setting: Setting,
        clients: Vec<Client>,
        clock: Clockwork,
        meter: Meter,
    ) -> Result<Self> {
        let poll = Poll::new()?;
        let mut open = Vec::with_capacity(clients.len());
        for (number, mut client) in clients.into_iter().enumerate() {
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry()
                .register(client.source(), Token(number), both)?;
            open.push(Some(client));
        }
        Ok(Self {
            ledger: Ledger::new(setting.audience.clone()),
            setting,
            poll,
            clients: open,
            clock,
            meter,
            begun: Instant::now(),
            hint: 0,
            completed: Vec::new(),
            due: Vec::new(),
            content: Vec::new(),
        })
    }

    /// Runs until the measured time is over and everything has come, or nothing comes any more.
    pub(crate) fn run(mut self) -> Result<(Meter, Ledger)> {
        let mut events = Events::with_capacity(EVENTS);
        let mut buffer = vec![0; BUFFER];
        self.begun = Instant::now();
        loop {
            let phase = self.meter.turn(self.now(), self.ledger.open())?;
            match phase {
                Phase::Over => return Ok((self.meter, self.ledger)),
                Phase::Drain => {}
                Phase::WarmUp | Phase::Measure => self.send_due(),
            }
            let patience = match phase {
                Phase::WarmUp | Phase::Measure => self.clock.patience(self.now(), NAP),
                Phase::Drain | Phase::Over => NAP,
            };
            match self.poll.poll(&mut events, Some(patience)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => other.context("the poll failed")?,
            }
            for event in &events {
                self.serve(event, &mut buffer);
            }
        }
    }

    fn now(&self) -> u64 {
        self.begun.elapsed().as_nanos() as u64
    }

    fn send_due(&mut self) {
        let mut due = std::mem::take(&mut self.due);
        let open = self.ledger.open();
        self.clock.due(self.now(), &self.completed, open, &mut due);
        self.completed.clear();
        // Messages of one sender leave together.
        due.sort_unstable();
        for senders in due.chunk_by(|one, other| one.0 == other.0) {
            self.send(senders);
        }
        due.clear();
        self.due = due;
    }

    /// Sends messages of one sender.
    fn send(&mut self, due: &[Due]) {
        let Some((sender, _)) = due.first().copied() else {
            return;
        };
        let connection = self.setting.audience.senders[sender];
        let room = self.setting.rooms[self.setting.audience.rooms[connection] as usize];
        let Some(client) = &mut self.clients[connection] else {
            return;
        };
        for (_, at) in due {
            let marker = Marker {
                run: self.setting.run,
                sender: sender as u16,
                number: self.ledger.sent(sender, *at),
            };
            self.setting.wire.message(&mut self.content, room, marker);
            client.push(frame::TEXT, &self.content);
        }
        self.meter.sent(due.len());
        let flushed = client.flush();
        self.keep_or_close(connection, flushed);
    }

    fn serve(&mut self, event: &Event, buffer: &mut [u8]) {
        let connection = event.token().0;
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            let done = self.read(connection, buffer);
            self.keep_or_close(connection, done);
        }
        if event.is_writable()
            && let Some(client) = &mut self.clients[connection]
        {
            let flushed = client.flush();
            self.keep_or_close(connection, flushed);
        }
    }

    fn keep_or_close(&mut self, connection: usize, done: io::Result<()>) {
        if let Err(error) = done {
            self.meter.closed(&error.to_string());
            self.clients[connection] = None;
        }
    }

    fn read(&mut self, connection: usize, buffer: &mut [u8]) -> io::Result<()> {
        loop {
            let Some(client) = &mut self.clients[connection] else {
                return Ok(());
            };
            let (length, more) = client.fill(buffer)?;
            if length > 0 {
                self.take_in(connection, &buffer[..length])?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// Handles the frames of one read.
    fn take_in(&mut self, connection: usize, bytes: &[u8]) -> io::Result<()> {
        let now = self.now();
        let broken = |error: anyhow::Error| io::Error::other(error.to_string());
        let mut from = 0;
        let mut messages = 0;
        while let Some(frame) = frame::next(bytes, from).map_err(broken)? {
            from = frame.end;
            let content = &bytes[frame.start..frame.end];
            match marker::find(content, &mut self.hint) {
                Some(marker) if marker.run == self.setting.run => {
                    messages += 1;
                    self.note(connection, marker, now);
                }
                // Of an earlier run in the same room.
                Some(_) => {}
                None => self.other(connection, frame, content)?,
            }
        }
        self.meter.read(messages, now);
        if let Some(client) = &mut self.clients[connection] {
            client.keep(&bytes[from..]);
        }
        Ok(())
    }

    fn note(&mut self, connection: usize, marker: Marker, now: u64) {
        let sender = usize::from(marker.sender);
        let arrival = self.ledger.received(connection, sender, marker.number);
        if let Some(arrival) = arrival {
            let far = self.setting.far[connection];
            self.meter
                .delivered(now.saturating_sub(arrival.sent_at), far);
            if arrival.complete {
                self.completed.push(sender);
            }
        }
    }

    /// Handles a frame that is no message.
    fn other(&mut self, connection: usize, frame: Frame, content: &[u8]) -> io::Result<()> {
        match frame.opcode {
            frame::PING => {
                if let Some(client) = &mut self.clients[connection] {
                    client.push(frame::PONG, content);
                    client.flush()?;
                }
            }
            frame::CLOSE => {
                let code = content.first_chunk().map(|code| u16::from_be_bytes(*code));
                let code = code.unwrap_or_default();
                return Err(io::Error::other(format!("closed with {code}")));
            }
            frame::PONG => {}
            _ => match self.setting.wire.other(content) {
                Other::Ack => self.meter.acked(),
                Other::Error => self.meter.refused(content),
                Other::Question(answer) => {
                    if let Some(client) = &mut self.clients[connection] {
                        client.push(frame::TEXT, answer);
                        client.flush()?;
                    }
                }
                Other::Noise => {}
            },
        }
        Ok(())
    }
}
