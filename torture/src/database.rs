//! The databases that servers are tortured on.

use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result};
use tokio::sync::oneshot;
use xtask::engines::place::Place;
use xtask::engines::postgres::{Durability, Postgres as Cluster};

/// Where a server keeps its messages.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file in the data folder, at the place that is the server's own choice.
    Sqlite,
    /// A throwaway cluster.
    Postgres(Arc<Postgres>),
}

impl Database {
    /// The URL, where the server's default will not do.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres(postgres) => Some(postgres.url().to_owned()),
        }
    }

    /// The cluster, if it is one.
    #[must_use]
    pub fn postgres(&self) -> Option<&Postgres> {
        match self {
            Self::Sqlite => None,
            Self::Postgres(postgres) => Some(postgres),
        }
    }
}

enum Order {
    Kill,
    Stop,
    Begin,
    BeSynchronous,
    Promote,
}

type Orders = mpsc::Sender<(Order, oneshot::Sender<Result<()>>)>;

/// A throwaway PostgreSQL with real durability. Dropping it stops it and removes its folder.
///
/// It is kept by a thread of its own: the kernel stops PostgreSQL when the thread that started it
/// ends, and threads of the runtime come and go.
#[derive(Debug)]
pub struct Postgres {
    url: String,
    port: u16,
    orders: Option<Orders>,
    keeper: Option<JoinHandle<()>>,
}

impl Postgres {
    /// Makes an empty cluster and starts it at this place.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start.
    pub async fn start(place: Place) -> Result<Self> {
        Self::keep(move || Cluster::start_at(&place, Durability::Real, None)).await
    }

    /// Copies this cluster, and lets the copy follow it as a standby whose commits it waits for.
    ///
    /// # Errors
    /// When the copy does not start, or does not follow.
    pub async fn start_standby(&self) -> Result<Self> {
        let of = self.port;
        let standby = Self::keep(move || Cluster::start_standby(of, Durability::Real)).await?;
        self.order(Order::BeSynchronous).await?;
        Ok(standby)
    }

    async fn keep(start: impl FnOnce() -> Result<Cluster> + Send + 'static) -> Result<Self> {
        let (orders, inbox) = mpsc::channel::<(Order, oneshot::Sender<Result<()>>)>();
        let (told, started) = oneshot::channel();
        let keeper = thread::spawn(move || {
            let mut cluster = match start() {
                Ok(cluster) => cluster,
                Err(error) => {
                    // Nobody asks any more when the scenario has been cut short.
                    drop(told.send(Err(error)));
                    return;
                }
            };
            drop(told.send(Ok((cluster.url(), cluster.port()))));
            for (order, answer) in inbox {
                let done = match order {
                    Order::Kill => cluster.kill_all(),
                    Order::Begin => cluster.begin(),
                    Order::BeSynchronous => cluster.be_synchronous(),
                    Order::Promote => cluster.promote(),
                    Order::Stop => {
                        cluster.halt();
                        Ok(())
                    }
                };
                drop(answer.send(done));
            }
        });
        let (url, port) = started.await.context("the thread of PostgreSQL ended")??;
        Ok(Self {
            url,
            port,
            orders: Some(orders),
            keeper: Some(keeper),
        })
    }

    /// Where the server connects to.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A URL that names this server and another one.
    #[must_use]
    pub fn url_with(&self, other: &Self) -> String {
        let other = format!(",127.0.0.1:{}", other.port);
        format!("{}{other}/?target_session_attrs=read-write", self.url)
    }

    /// Turns a standby into a server that takes writes.
    ///
    /// # Errors
    /// When it does not become one.
    pub async fn promote(&self) -> Result<()> {
        self.order(Order::Promote).await
    }

    /// SIGKILL to all its processes.
    ///
    /// # Errors
    /// When one survives.
    pub async fn kill(&self) -> Result<()> {
        self.order(Order::Kill).await
    }

    /// An orderly stop that does not wait for clients.
    ///
    /// # Errors
    /// When its thread has ended.
    pub async fn stop(&self) -> Result<()> {
        self.order(Order::Stop).await
    }

    /// Starts again on the same data and port; returns when it answers queries.
    ///
    /// # Errors
    /// When it does not.
    pub async fn begin(&self) -> Result<()> {
        self.order(Order::Begin).await
    }

    async fn order(&self, order: Order) -> Result<()> {
        let (told, done) = oneshot::channel();
        let orders = self.orders.as_ref().context("PostgreSQL has ended")?;
        orders
            .send((order, told))
            .ok()
            .context("the thread of PostgreSQL ended")?;
        done.await.context("the thread of PostgreSQL ended")?
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The thread ends with its inbox, and the cluster with the thread.
        self.orders = None;
        if let Some(keeper) = self.keeper.take() {
            drop(keeper.join());
        }
    }
}
