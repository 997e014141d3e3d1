//! The shard that has the keys: who lives, and who is here.

use super::{Link, shard};
use crate::bus::{
    Bus as _, News,
    redis::{Channel, PATIENCE, RedisError, people},
};
use redis::{RedisResult, aio::MultiplexedConnection};
use tokio::time::timeout;

impl Link {
    /// Others need not wait for our silence to be noticed.
    pub(super) async fn leave(&self) {
        if let Some(mut home) = self.shared.connection() {
            let left = timeout(PATIENCE, people::leave(&mut home, &self.shared)).await;
            if let Ok(Err(error)) = left {
                tracing::debug!(%error, "no good bye to Redis");
            }
        }
    }

    /// Makes the home know this process and who is here.
    pub(super) async fn come_home(&mut self) {
        let Some(mut home) = self
            .shard(Channel::All)
            .and_then(|shard| shard.connection.clone())
        else {
            return;
        };
        match self.move_in(&mut home).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::debug!("{}", RedisError::SecretKey);
                return;
            }
            Err(error) => {
                tracing::debug!(%error, "not at home");
                self.doubt_home(&error);
                return;
            }
        }
        self.is_home = true;
        self.shared.set_connection(Some(home));
        self.show_up();
        self.beat_once().await;
    }

    async fn move_in(&self, home: &mut MultiplexedConnection) -> RedisResult<bool> {
        if !people::have_same_secret(home, &self.shared).await? {
            return Ok(false);
        }
        let seats = self.shared.interest.seats();
        people::seat_anew(home, &self.shared, &seats).await?;
        Ok(true)
    }

    /// A home that does not answer is not waited for again before it was connected anew.
    fn doubt_home(&mut self, error: &redis::RedisError) {
        let home = self.owner(Channel::All).cloned();
        if let Some(shard) = home.and_then(|home| self.shards.get_mut(&home))
            && shard::is_fatal(error)
        {
            shard.connection = None;
            shard.doubt.notify_one();
        }
    }

    pub(super) async fn beat(&mut self) {
        self.beat_once().await;
        self.update().await;
    }

    async fn beat_once(&mut self) {
        let Some(mut home) = self.shared.connection() else {
            return;
        };
        match people::beat(&mut home, &self.shared).await {
            Ok((vanished, was_given_up)) => {
                if was_given_up {
                    // The others thought that this process was dead, or Redis was emptied.
                    self.show_up();
                    let seats = self.shared.interest.seats();
                    let done = people::seat(&mut home, &self.shared, seats).await;
                    self.home_did(done).await;
                }
                if !vanished.is_empty() {
                    self.local.publish(News::Vanished(vanished)).await;
                }
            }
            Err(error) => self.home_did(Err(error)).await,
        }
    }

    /// The home is away when it did not do what it was asked for.
    pub(super) async fn home_did(&mut self, done: RedisResult<()>) {
        let Err(error) = done else { return };
        tracing::warn!(%error, "the shard of Redis that knows who is here is away");
        self.is_home = false;
        self.shared.set_connection(None);
        self.doubt_home(&error);
        let home = self.owner(Channel::All).cloned();
        self.look(home.as_ref());
        self.go_away().await;
    }
}
