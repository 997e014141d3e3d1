//! The canary: a client of this server that goes through the public door like everybody, sends itself
//! messages and reports whether they come and how fast (docs/guide/canary.md).

mod door;
mod home;
mod watch;

pub(crate) use door::Door;

use door::Socket;
use home::Home;
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use parlour_core::{
    App,
    ports::{Random as _, SystemRandom},
};
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use watch::{Frame, Note, Stage, Watch};

/// How long a connection, and each word of the server that must come, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A message that took longer is told of in the log.
const SLOW: Duration = Duration::from_secs(1);
/// A connection is given up for a new one after this time, so that the door is tried too.
const RENEW: Duration = Duration::from_secs(1800);
/// Pause after the first failure; doubles up to [`LONGEST_PAUSE`], and up to half is taken off by
/// chance.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// See [`FIRST_PAUSE`].
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Describes the canary's figures to the recorder in force.
pub(crate) fn describe_metrics() {
    describe_counter!(
        "parlour_canary_sent_total",
        Unit::Count,
        "Messages that the canary sent."
    );
    describe_counter!(
        "parlour_canary_lost_total",
        Unit::Count,
        "Those that were not acknowledged (`stage` is `ack`) or did not come back (`event`) within 10 s."
    );
    describe_counter!(
        "parlour_canary_duplicates_total",
        Unit::Count,
        "Events that came to the canary more than once."
    );
    describe_counter!(
        "parlour_canary_failures_total",
        Unit::Count,
        "Why the canary could not send, by `reason`: `prepare` (its account or room), `connect`, `closed` (the connection ended), `refused` (the message)."
    );
    describe_histogram!(
        "parlour_canary_ack_seconds",
        Unit::Seconds,
        "Time from sending to the acknowledgement: stored durably."
    );
    describe_histogram!(
        "parlour_canary_event_seconds",
        Unit::Seconds,
        "Time from sending to the event on the socket."
    );
    describe_gauge!(
        "parlour_canary_last_success_timestamp_seconds",
        Unit::Seconds,
        "When a message of the canary was last acknowledged and heard, as Unix time."
    );
}

/// The canary and what it remembers from one connection to the next.
pub(crate) struct Canary {
    app: App,
    door: Door,
    every: Duration,
    watch: Watch,
    /// When the next message goes.
    next: Instant,
}

/// Why a connection came to its end.
struct Failure {
    reason: &'static str,
    error: anyhow::Error,
}

impl Failure {
    fn of<E: Into<anyhow::Error>>(reason: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self {
            reason,
            error: error.into(),
        }
    }
}

impl Canary {
    pub(crate) fn new(app: App, door: Door, every: Duration) -> Self {
        Self {
            app,
            door,
            every,
            watch: Watch::default(),
            next: Instant::now(),
        }
    }

    /// Works until told to stop; then lets everything fall at once.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        // So that a loss is a change and not a beginning.
        for stage in [Stage::Ack, Stage::Event] {
            counter!("parlour_canary_lost_total", "stage" => stage.name()).increment(0);
        }
        tracing::info!(door = %self.door, every = ?self.every, "the canary begins");
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.fly() => {}
        }
    }

    async fn fly(&mut self) {
        let mut failures = 0_u32;
        loop {
            let mut welcome = false;
            let Err(failure) = self.connection(&mut welcome).await else {
                failures = 0;
                continue;
            };
            failures = if welcome {
                1
            } else {
                failures.saturating_add(1)
            };
            counter!("parlour_canary_failures_total", "reason" => failure.reason).increment(1);
            let (reason, error) = (failure.reason, &failure.error);
            tracing::warn!(reason, error = %format!("{error:#}"), failures, "the canary has no connection");
            sleep(pause(failures)).await;
        }
    }

    /// One connection, from the door to its renewal. `welcome` says whether it was ever taken.
    async fn connection(&mut self, welcome: &mut bool) -> Result<(), Failure> {
        self.look_for_loss();
        let home = Home::prepare(&self.app).await;
        let home = home.map_err(|error| Failure {
            reason: "prepare",
            error: crate::database::explain(&error),
        })?;
        let mut socket = timeout(PATIENCE, self.enter(&home))
            .await
            .map_err(Failure::of("connect"))??;
        *welcome = true;
        let renew = Instant::now() + home.stay.min(RENEW);
        loop {
            let overdue = self.watch.sent_at().map(|sent| sent + PATIENCE);
            let is_idle = overdue.is_none();
            if is_idle && Instant::now() >= renew {
                return Ok(());
            }
            tokio::select! {
                frame = socket.next() => {
                    let frame = frame.map_err(Failure::of("closed"))?;
                    self.hear(&frame)?;
                }
                () = sleep_until(overdue.unwrap_or(renew)) => self.look_for_loss(),
                () = sleep_until(self.next), if is_idle => self.send(&home, &mut socket).await?,
            }
        }
    }

    /// Connects, hears `hello`, and goes on where the last connection ended.
    async fn enter(&mut self, home: &Home) -> Result<Socket, Failure> {
        let mut socket = self
            .door
            .open(&home.secret)
            .await
            .map_err(Failure::of("connect"))?;
        let hello = socket.next().await.map_err(Failure::of("connect"))?;
        let (epoch, seq) = hello.beginning(home.room).ok_or_else(|| Failure {
            reason: "connect",
            error: anyhow::anyhow!("the first frame is no hello with the canary's room"),
        })?;
        if let Some(resume) = self.watch.resume(home.room, &epoch) {
            socket.send(&resume).await.map_err(Failure::of("closed"))?;
        } else {
            self.watch.begin(home.room, epoch, seq);
        }
        // Nobody knows whether it arrived: the same again is the same message.
        if let Some(nonce) = self.watch.nonce() {
            let again = message(home, nonce);
            socket.send(&again).await.map_err(Failure::of("closed"))?;
        }
        Ok(socket)
    }

    async fn send(&mut self, home: &Home, socket: &mut Socket) -> Result<(), Failure> {
        let mut bits = [0; 16];
        SystemRandom.fill(&mut bits);
        let nonce = format!("canary-{:032x}", u128::from_be_bytes(bits));
        let frame = message(home, &nonce);
        let now = Instant::now();
        self.next = now + self.every;
        self.watch.sent(nonce, now);
        counter!("parlour_canary_sent_total").increment(1);
        match timeout(PATIENCE, socket.send(&frame)).await {
            Ok(result) => result.map_err(Failure::of("closed")),
            Err(elapsed) => Err(Failure::of("closed")(elapsed)),
        }
    }

    fn hear(&mut self, frame: &Frame) -> Result<(), Failure> {
        for note in self.watch.hear(frame, Instant::now()) {
            match note {
                Note::Acked(after) => {
                    histogram!("parlour_canary_ack_seconds").record(after);
                }
                Note::Heard(after) => {
                    histogram!("parlour_canary_event_seconds").record(after);
                }
                Note::Whole(after) => {
                    let now = self.app.now().as_micros() / 1_000_000;
                    gauge!("parlour_canary_last_success_timestamp_seconds")
                        .set(u32::try_from(now).map_or(f64::MAX, f64::from));
                    if after > SLOW {
                        tracing::warn!(?after, "a message of the canary was slow");
                    }
                }
                Note::Duplicate(seq) => {
                    counter!("parlour_canary_duplicates_total").increment(1);
                    tracing::warn!(seq, "an event came to the canary again");
                }
                Note::Refused(code) => {
                    let error = anyhow::anyhow!("a message was refused: {code}");
                    return Err(Failure::of("refused")(error));
                }
            }
        }
        Ok(())
    }

    fn look_for_loss(&mut self) {
        if let Some((nonce, stage)) = self.watch.give_up(Instant::now(), PATIENCE) {
            let stage = stage.name();
            counter!("parlour_canary_lost_total", "stage" => stage).increment(1);
            tracing::warn!(nonce, stage, "a message of the canary is lost");
        }
    }
}

fn message(home: &Home, nonce: &str) -> String {
    let text = "Is anybody there?";
    json!({"type": "send", "room": home.room, "text": text, "nonce": nonce}).to_string()
}

fn pause(failures: u32) -> Duration {
    let most = FIRST_PAUSE
        .saturating_mul(1_u32.checked_shl(failures - 1).unwrap_or(u32::MAX))
        .min(LONGEST_PAUSE);
    let mut byte = [0];
    SystemRandom.fill(&mut byte);
    most - most / 2 * u32::from(byte[0]) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_within_bounds() {
        for (failures, most) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (40, 30)] {
            let most = Duration::from_secs(most);
            for _ in 0..50 {
                let pause = pause(failures);
                assert!(pause >= most / 2 && pause <= most, "{failures}: {pause:?}");
            }
        }
    }
}
