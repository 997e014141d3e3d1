//! A look at a Redis server: will it do?

use super::{PATIENCE, RedisError, address::Place, cluster};
use parlour_core::{
    Time,
    ports::{Clock as _, SystemClock},
    time::clock_worry,
};
use redis::{AsyncConnectionConfig, PushInfo, RedisResult, aio::MultiplexedConnection};

/// Where the smallest version that knows RESP3 and `SMISMEMBER` begins.
const LEAST_VERSION: (u32, u32) = (6, 2);
/// The same for one that knows `SSUBSCRIBE`.
const LEAST_VERSION_OF_CLUSTER: (u32, u32) = (7, 0);

/// What a Redis server or cluster is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisInspection {
    /// Its version.
    pub version: String,
    /// Why its clock is a worry.
    pub clock: Option<String>,
    /// Of a cluster: how many shards it has, all of which answered.
    pub shards: Option<usize>,
    /// Of a cluster: how many servers are there to follow a shard that dies.
    pub replicas: usize,
}

/// Connects, asks, and changes nothing.
///
/// # Errors
/// Those of [`RedisError`] but `SecretKey`.
pub async fn inspect(url: &str) -> Result<RedisInspection, RedisError> {
    match Place::parse(url)? {
        Place::One(client) => {
            let mut connection = dial(&client, None).await?;
            let found = look(&mut connection, false).await?;
            Ok(RedisInspection {
                version: found.version,
                clock: found.clock,
                shards: None,
                replicas: 0,
            })
        }
        Place::Cluster(seeds) => cluster::inspect(&seeds).await,
    }
}

/// What a server said of itself.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) version: String,
    pub(super) clock: Option<String>,
}

/// Connects; what comes without having been asked for goes to `heard`.
pub(super) async fn dial(
    client: &redis::Client,
    heard: Option<Heard>,
) -> Result<MultiplexedConnection, RedisError> {
    connect(client, heard).await.map_err(refused)
}

/// Takes what comes without having been asked for.
pub(super) type Heard = Box<dyn Fn(PushInfo) + Send + Sync>;

/// The same with the library's error.
pub(super) async fn connect(
    client: &redis::Client,
    heard: Option<Heard>,
) -> RedisResult<MultiplexedConnection> {
    let mut config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    if let Some(heard) = heard {
        config = config.set_push_sender(move |push: PushInfo| {
            heard(push);
            Ok::<(), redis::aio::SendError>(())
        });
    }
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

/// Why a server does not let us in.
#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
pub(super) fn refused(error: redis::RedisError) -> RedisError {
    RedisError::Refused(error.to_string())
}

/// Looks whether a server will do, by itself or as a part of a cluster.
pub(super) async fn look(
    connection: &mut MultiplexedConnection,
    as_cluster: bool,
) -> Result<Found, RedisError> {
    let version = version(connection).await.map_err(refused)?;
    let is_cluster = is_cluster(connection).await.map_err(refused)?;
    match (is_cluster, as_cluster) {
        (true, false) => return Err(RedisError::Cluster),
        (false, true) => return Err(RedisError::NoCluster),
        _ => {}
    }
    check_version(&version, as_cluster)?;
    let clock = clock(connection).await.map_err(refused)?;
    Ok(Found { version, clock })
}

async fn is_cluster(connection: &mut MultiplexedConnection) -> RedisResult<bool> {
    let info: String = redis::cmd("INFO")
        .arg("cluster")
        .query_async(connection)
        .await?;
    Ok(info
        .lines()
        .any(|line| line.trim_end() == "cluster_enabled:1"))
}

/// What it says its version is.
async fn version(connection: &mut MultiplexedConnection) -> RedisResult<String> {
    let info: String = redis::cmd("INFO")
        .arg("server")
        .query_async(connection)
        .await?;
    let version = info
        .lines()
        .find_map(|line| line.strip_prefix("redis_version:"));
    Ok(version.unwrap_or("of an unknown version").trim().to_owned())
}

/// Whether it knows what is needed.
fn check_version(found: &str, as_cluster: bool) -> Result<(), RedisError> {
    let mut numbers = found.split('.').map_while(|number| number.parse().ok());
    let version: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let least = if as_cluster {
        LEAST_VERSION_OF_CLUSTER
    } else {
        LEAST_VERSION
    };
    if version < least {
        return Err(RedisError::Version {
            found: found.to_owned(),
            least: format!("{}.{}", least.0, least.1),
        });
    }
    Ok(())
}

/// Why its clock is a worry.
async fn clock(connection: &mut MultiplexedConnection) -> RedisResult<Option<String>> {
    let (seconds, micros): (i64, i64) = redis::cmd("TIME").query_async(connection).await?;
    let theirs = Time::from_micros(seconds.saturating_mul(1_000_000).saturating_add(micros));
    Ok(clock_worry("Redis's", SystemClock.now(), theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_are_refused_with_the_least_one_named() {
        for fine in ["6.2.0", "7.0.15", "8.2.1", "10.0"] {
            assert!(check_version(fine, false).is_ok(), "{fine}");
        }
        for fine in ["7.0.0", "7.2.4", "10.0"] {
            assert!(check_version(fine, true).is_ok(), "{fine}");
        }
        for (old, as_cluster, least) in [
            ("6.0.16", false, "6.2"),
            ("5.0.7", false, "6.2"),
            ("of an unknown version", false, "6.2"),
            ("6.2.14", true, "7.0"),
        ] {
            let refused = check_version(old, as_cluster)
                .expect_err("too old")
                .to_string();
            assert!(
                refused.contains(old) && refused.contains(least),
                "{refused}"
            );
        }
    }
}
