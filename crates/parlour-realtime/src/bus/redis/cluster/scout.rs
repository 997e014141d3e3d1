//! Asks servers of a cluster who owns which slots.

use super::slots::{SlotMap, slot};
use crate::bus::redis::{
    Channel, RedisError, RedisInspection,
    address::{Address, Seeds},
    inspect as server, people,
    shared::Shared,
};
use redis::{RedisResult, Value, aio::MultiplexedConnection};

/// Somebody who may be asked.
pub(super) struct Witness {
    pub(super) address: Address,
    /// A connection that is there already.
    pub(super) connection: Option<MultiplexedConnection>,
}

/// The map of the first witness that is itself a part of a cluster that works.
/// A server that was cut off from the others knows that it was, and is not believed.
///
/// # Errors
/// Why none would do: what the last one said.
pub(super) async fn look(seeds: &Seeds, witnesses: Vec<Witness>) -> Result<SlotMap, RedisError> {
    let mut why = RedisError::Unready("nobody is there to be asked".to_owned());
    for Witness {
        address,
        connection,
    } in witnesses
    {
        match ask(seeds, &address, connection).await {
            Ok(found) => return Ok(found),
            Err(error) => {
                tracing::debug!(%address, %error, "does not know the slots of the cluster");
                why = error;
            }
        }
    }
    Err(why)
}

async fn ask(
    seeds: &Seeds,
    address: &Address,
    connection: Option<MultiplexedConnection>,
) -> Result<SlotMap, RedisError> {
    let mut connection = match connection {
        Some(connection) => connection,
        None => server::dial(&seeds.client(address)?, None).await?,
    };
    let asked: RedisResult<(RedisResult<String>, RedisResult<Value>)> = redis::pipe()
        .ignore_errors()
        .cmd("CLUSTER")
        .arg("INFO")
        .cmd("CLUSTER")
        .arg("SLOTS")
        .query_async(&mut connection)
        .await;
    let (info, slots) = asked.map_err(server::refused)?;
    let info = match info {
        Ok(info) => info,
        // "This instance has cluster support disabled" is said in other words at the start.
        Err(error) if error.to_string().contains("cluster support disabled") => {
            return Err(RedisError::NoCluster);
        }
        Err(error) => return Err(server::refused(error)),
    };
    let state = info
        .lines()
        .find_map(|line| line.strip_prefix("cluster_state:"))
        .map_or("unknown", str::trim);
    if state != "ok" {
        return Err(RedisError::Unready(format!(
            "{address} says cluster_state:{state}"
        )));
    }
    SlotMap::read(&slots.map_err(server::refused)?, address)
        .ok_or_else(|| RedisError::Unready(format!("{address} knows no owner of any slot")))
}

/// The map, when this cluster will do and the other processes fit.
///
/// # Errors
/// Those of [`RedisError`] but `Url` and `Cluster`.
pub(super) async fn arrive(seeds: &Seeds, shared: &Shared) -> Result<SlotMap, RedisError> {
    let (map, found) = meet(seeds).await?;
    if let Some(clock) = found.clock {
        tracing::warn!("{clock}");
    }
    let home = slot(&shared.channel(Channel::All));
    let owner = map
        .owner(home)
        .ok_or_else(|| RedisError::Unready(format!("nobody owns the slot {home}")))?;
    let mut connection = reach(seeds, owner).await?;
    people::compare_secrets(&mut connection, shared).await?;
    Ok(map)
}

/// Clusters may name their servers as nobody else can reach them.
async fn reach(seeds: &Seeds, owner: &Address) -> Result<MultiplexedConnection, RedisError> {
    let unready = |error| {
        RedisError::Unready(format!(
            "it names {owner} as one of its shards, and there: {error}"
        ))
    };
    server::dial(&seeds.client(owner)?, None)
        .await
        .map_err(unready)
}

/// The map and what the server is like that told it: at the start, where errors are for people.
async fn meet(seeds: &Seeds) -> Result<(SlotMap, server::Found), RedisError> {
    let mut why = RedisError::Unready("nobody is there to be asked".to_owned());
    for address in &seeds.hosts {
        let met = async {
            let mut connection = server::dial(&seeds.client(address)?, None).await?;
            let found = server::look(&mut connection, true).await?;
            let witness = Witness {
                address: address.clone(),
                connection: Some(connection),
            };
            let map = look(seeds, vec![witness]).await?;
            Ok((map, found))
        };
        match met.await {
            Ok(met) => return Ok(met),
            Err(error) => why = error,
        }
    }
    Err(why)
}

/// Looks at a cluster and at each of its shards, and changes nothing.
///
/// # Errors
/// Those of [`RedisError`] but `Url`, `Cluster` and `SecretKey`.
pub(in crate::bus::redis) async fn inspect(seeds: &Seeds) -> Result<RedisInspection, RedisError> {
    let (map, found) = meet(seeds).await?;
    let owners = map.owners();
    for owner in &owners {
        reach(seeds, owner).await?;
    }
    if !map.is_complete() {
        return Err(RedisError::Unready("some slots have no owner".to_owned()));
    }
    Ok(RedisInspection {
        version: found.version,
        clock: found.clock,
        shards: Some(owners.len()),
        replicas: map.replicas().len(),
    })
}
