//! [`App`]: all that an action may touch.

use crate::{
    Error, Settings, Signal, Time, TokenId, UserId,
    accounts::authenticate::Remembered,
    passwords::Passwords,
    ports::{Announce, Clock, Random, Store},
    rates::Limits,
};
use std::{fmt, sync::Arc};

/// What the actions need: ports, settings, and what is remembered of credentials. Cloning shares it.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    announce: Arc<dyn Announce>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    settings: Settings,
    passwords: Passwords,
    limits: Limits,
    remembered: Remembered,
}

/// The ports of an [`App`].
pub struct Ports {
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// Who is told.
    pub announce: Arc<dyn Announce>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("settings", &self.inner.settings)
            .finish_non_exhaustive()
    }
}

impl App {
    /// Wires the actions to the world. `hashing_threads` bounds how many passwords are hashed at
    /// once.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn new(ports: Ports, settings: Settings, hashing_threads: usize) -> std::io::Result<Self> {
        let Ports {
            store,
            announce,
            clock,
            random,
        } = ports;
        Ok(Self {
            inner: Arc::new(Inner {
                passwords: Passwords::start(hashing_threads, Arc::clone(&random))?,
                limits: Limits::new(settings.rates.as_ref()),
                remembered: Remembered::default(),
                store,
                announce,
                clock,
                random,
                settings,
            }),
        })
    }

    /// What is kept.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.inner.store
    }

    /// The rules in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.inner.clock.now()
    }

    /// The password hashing pool.
    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.inner.passwords
    }

    /// The rate limits in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    pub(crate) fn remembered(&self) -> &Remembered {
        &self.inner.remembered
    }

    /// Fills `bytes` with randomness fit for secrets.
    pub(crate) fn random(&self, bytes: &mut [u8]) {
        self.inner.random.fill(bytes);
    }

    /// Tells this process and all others that credentials of a user ended. The memory of them goes
    /// first, so that nothing accepted later rests on it.
    pub(crate) async fn credentials_ended(&self, user: UserId, ended: Vec<TokenId>) {
        if !ended.is_empty() {
            self.tell(Signal::CredentialsEnded { user, ended }).await;
        }
    }

    /// Tells this process and all others that what they remember of a user is out of date.
    pub(crate) async fn user_changed(&self, user: UserId) {
        self.tell(Signal::UserChanged(user)).await;
    }

    async fn tell(&self, signal: Signal) {
        self.heed(&signal);
        self.inner.announce.signal(signal).await;
    }

    /// Acts on a signal from another process: forgets what it makes untrue.
    pub fn heed(&self, signal: &Signal) {
        match signal {
            Signal::CredentialsEnded { user, .. } | Signal::UserChanged(user) => {
                self.remembered().forget(*user);
            }
        }
    }

    /// Reads the log of ended credentials after `cursor`, acts on it and tells the sockets of this
    /// process; answers the new cursor. The job that calls this makes changes bite that another
    /// process made on the same database (the command line, another node that the bus did not reach).
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn follow_revocations(&self, cursor: i64) -> Result<i64, Error> {
        // Parallel commits may appear out of order: look a little behind. Signals are idempotent.
        const LOOK_BEHIND: i64 = 64;
        let mut newest = cursor;
        for entry in self
            .store()
            .revocations((cursor - LOOK_BEHIND).max(0))
            .await?
        {
            newest = newest.max(entry.id);
            self.tell(entry.signal).await;
        }
        Ok(newest)
    }
}
