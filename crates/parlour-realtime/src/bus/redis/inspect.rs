//! A look at a Redis server: will it do?

use super::{LEAST_VERSION, RedisError};
use parlour_core::{
    Time,
    ports::{Clock as _, SystemClock},
    time::clock_worry,
};
use redis::{AsyncConnectionConfig, RedisResult, aio::MultiplexedConnection};
use std::time::Duration;

/// How long it may take to let us in, and to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a Redis server is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisInspection {
    /// Its version.
    pub version: String,
    /// Why its clock is a worry.
    pub clock: Option<String>,
}

/// Connects, asks, and changes nothing.
///
/// # Errors
/// Those of [`RedisError`] but `SecretKey`.
pub async fn inspect(url: &str) -> Result<RedisInspection, RedisError> {
    let client = redis::Client::open(url).map_err(|error| RedisError::Url(error.to_string()))?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    let refused = |error: redis::RedisError| RedisError::Refused(error.to_string());
    let mut connection = client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .map_err(refused)?;
    let version = version(&mut connection).await.map_err(refused)?;
    check_version(&version)?;
    Ok(RedisInspection {
        version,
        clock: clock(&mut connection).await.map_err(refused)?,
    })
}

/// What it says its version is.
pub(super) async fn version(connection: &mut MultiplexedConnection) -> RedisResult<String> {
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
pub(super) fn check_version(found: &str) -> Result<(), RedisError> {
    let mut numbers = found.split('.').map_while(|number| number.parse().ok());
    let version: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version < LEAST_VERSION {
        return Err(RedisError::Version {
            found: found.to_owned(),
        });
    }
    Ok(())
}

/// Why its clock is a worry.
pub(super) async fn clock(connection: &mut MultiplexedConnection) -> RedisResult<Option<String>> {
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
            assert!(check_version(fine).is_ok(), "{fine}");
        }
        for old in ["6.0.16", "5.0.7", "of an unknown version"] {
            let refused = check_version(old).expect_err("too old").to_string();
            assert!(
                refused.contains(old) && refused.contains("6.2"),
                "{refused}"
            );
        }
    }
}
