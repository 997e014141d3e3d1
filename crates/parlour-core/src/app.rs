//! [`App`]: all that an action may touch.

use crate::{
    Error, Settings, Signal, Time, TokenId, UserId,
    accounts::authenticate::Remembered,
    files::upload::UnderWay,
    media,
    model::{Sender, Site},
    passwords::Passwords,
    ports::{Announce, Blobs, Clock, Presence, Random, Scanner, Store},
    profiles::Profiles,
    rates::Limits,
    workers::Background,
};
use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What the actions need: ports, settings, and what is remembered of credentials. Cloning shares it.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    blobs: Arc<dyn Blobs>,
    scanner: Option<Arc<dyn Scanner>>,
    announce: Arc<dyn Announce>,
    presence: Arc<dyn Presence>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    settings: Settings,
    media: media::Pool,
    passwords: Passwords,
    limits: Limits,
    remembered: Remembered,
    profiles: Profiles,
    uploads: UnderWay,
    site: Mutex<RememberedSite>,
}

/// The server's look as it was last read, and how often it was told to have changed.
#[derive(Debug, Default)]
pub(crate) struct RememberedSite {
    pub(crate) now: Option<Arc<Site>>,
    pub(crate) changes: u64,
}

/// The ports of an [`App`].
pub struct Ports {
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// Where the bytes of files are kept.
    pub blobs: Arc<dyn Blobs>,
    /// Who looks for harmful files; `None`: nobody.
    pub scanner: Option<Arc<dyn Scanner>>,
    /// Who is told.
    pub announce: Arc<dyn Announce>,
    /// Who is here.
    pub presence: Arc<dyn Presence>,
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
    /// Wires the actions to the world.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn new(ports: Ports, settings: Settings, background: Background) -> std::io::Result<Self> {
        let Ports {
            store,
            blobs,
            scanner,
            announce,
            presence,
            clock,
            random,
        } = ports;
        Ok(Self {
            inner: Arc::new(Inner {
                media: media::Pool::start(background.prepare)?,
                passwords: Passwords::start(background, Arc::clone(&random))?,
                limits: Limits::new(settings.rates.as_ref()),
                remembered: Remembered::default(),
                profiles: Profiles::default(),
                uploads: UnderWay::default(),
                site: Mutex::default(),
                store,
                blobs,
                scanner,
                announce,
                presence,
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

    /// Where the bytes of files are kept.
    #[must_use]
    pub fn blobs(&self) -> &dyn Blobs {
        &*self.inner.blobs
    }

    /// Who looks for harmful files, if anybody.
    #[must_use]
    pub fn scanner(&self) -> Option<&dyn Scanner> {
        self.inner.scanner.as_deref()
    }

    /// The pool of threads that look at files.
    #[must_use]
    pub fn media(&self) -> &media::Pool {
        &self.inner.media
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

    /// Who is here.
    #[must_use]
    pub fn presence(&self) -> &dyn Presence {
        &*self.inner.presence
    }

    /// How accounts are shown, in the order of `ids`; those that do not exist are left out.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn senders(&self, ids: &[UserId]) -> Result<Vec<(UserId, Arc<Sender>)>, Error> {
        self.inner.profiles.of(self.store(), ids).await
    }

    /// What is remembered of the server's look.
    pub(crate) fn remembered_site(&self) -> MutexGuard<'_, RememberedSite> {
        // It is whole after any panic.
        self.inner
            .site
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn remembered(&self) -> &Remembered {
        &self.inner.remembered
    }

    /// Which uploads somebody is writing to.
    pub(crate) fn uploads(&self) -> &UnderWay {
        &self.inner.uploads
    }

    /// Fills `bytes` with randomness fit for secrets.
    pub fn random(&self, bytes: &mut [u8]) {
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

    /// Acts on a signal and tells this process and all others.
    pub(crate) async fn tell(&self, signal: Signal) {
        self.heed(&signal);
        self.inner.announce.signal(signal).await;
    }

    /// Acts on a signal from another process: forgets what it makes untrue.
    pub fn heed(&self, signal: &Signal) {
        match signal {
            Signal::CredentialsEnded { user, .. } => self.remembered().forget(*user),
            Signal::UserChanged(user) => {
                self.remembered().forget(*user);
                self.store().forget_sender(*user);
                self.inner.profiles.forget(*user);
            }
            Signal::SiteChanged => {
                let mut site = self.remembered_site();
                site.changes += 1;
                site.now = None;
            }
            Signal::Taken(taken) => self.limits().heed(taken),
            Signal::Typing { .. } | Signal::Read { .. } | Signal::Presence { .. } => {}
        }
    }

    /// Reads what is new in the log of ended credentials, acts on it and tells the sockets of this
    /// process; answers whether there may be more. The job that calls this makes changes bite that
    /// another process made on the same database (the command line, another node that the bus did
    /// not reach).
    ///
    /// # Errors
    /// When the store does not answer; what was acted on until then is not done again.
    pub async fn follow_revocations(&self, followed: &mut Followed) -> Result<bool, Error> {
        let entries = self.store().revocations(followed.from()).await?;
        let mut any = false;
        for entry in entries {
            if followed.note(entry.id) {
                any = true;
                self.tell(entry.signal).await;
            }
        }
        Ok(any)
    }
}

/// How far the log of ended credentials was followed.
///
/// Parallel commits may appear in the log out of order, so reading looks a little behind the newest
/// entry seen; what was seen there is not acted on again.
#[derive(Debug, Default)]
pub struct Followed {
    newest: i64,
    seen: BTreeSet<i64>,
}

impl Followed {
    /// How far reading looks behind: more than there are writers at once.
    const LOOK_BEHIND: i64 = 64;

    fn from(&self) -> i64 {
        (self.newest - Self::LOOK_BEHIND).max(0)
    }

    /// Notes an entry; answers whether it is new.
    fn note(&mut self, id: i64) -> bool {
        self.newest = self.newest.max(id);
        let is_new = self.seen.insert(id);
        self.seen = self.seen.split_off(&self.from());
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_entries_are_new_and_old_ones_are_not() {
        let mut followed = Followed::default();
        assert!(followed.note(5) && followed.note(7));
        assert!(!followed.note(5) && !followed.note(7));
        assert!(followed.note(6), "committed later than its neighbours");
        for id in 8..10_000 {
            assert!(followed.note(id));
        }
        assert!(followed.seen.len() <= 70, "{}", followed.seen.len());
    }
}
