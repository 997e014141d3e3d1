//! Who is here, as others are told.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::bare::{Bare, Said};
use crate::people::Person;

/// Who is here, as somebody is told who looks on.
#[derive(Debug)]
pub struct Seen {
    here: Arc<Mutex<HashMap<i64, bool>>>,
    task: JoinHandle<()>,
}

impl Seen {
    /// Looks on from now, at the node of this address.
    ///
    /// # Errors
    /// When it is not greeted.
    pub async fn start(addr: SocketAddr, watcher: &Person) -> Result<Self> {
        let mut bare = Bare::connect(addr, &watcher.token).await?;
        bare.wait_for("hello").await?;
        let here = Arc::new(Mutex::new(HashMap::new()));
        let told = Arc::clone(&here);
        let task = tokio::spawn(async move {
            while let Said::Text(text) = bare.next().await {
                let frame: Value = serde_json::from_str(&text).unwrap_or_default();
                if frame["type"] == "presence"
                    && let (Some(user), Some(here)) =
                        (frame["user"].as_i64(), frame["here"].as_bool())
                {
                    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                    told.insert(user, here);
                }
            }
        });
        Ok(Self { here, task })
    }

    /// Waits until all of these were last told to be here, or not to be.
    ///
    /// # Errors
    /// When that does not come true within the limit.
    pub async fn wait(&self, people: &[Person], here: bool, within: Duration) -> Result<()> {
        let begun = Instant::now();
        loop {
            let told = {
                let seen = self.here.lock().unwrap_or_else(PoisonError::into_inner);
                let told = people.iter().map(|person| seen.get(&person.id).copied());
                told.collect::<Vec<_>>()
            };
            if told.iter().all(|told| *told == Some(here)) {
                return Ok(());
            }
            ensure!(
                begun.elapsed() < within,
                "after {within:?} not all are told with here={here}: {told:?}"
            );
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.task.abort();
    }
}
