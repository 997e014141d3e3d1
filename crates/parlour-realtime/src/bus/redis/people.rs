//! Who is in which process: a set per process, and a sign of life that ends by itself.

use super::{RedisError, inspect, shared::Shared};
use parlour_core::UserId;
use redis::{AsyncTypedCommands as _, RedisResult, aio::MultiplexedConnection};
use std::{collections::HashSet, time::Duration};

/// How often a process gives a sign of life.
pub(super) const BEAT: Duration = Duration::from_secs(5);
/// How long it lives without another one: then its people leave, well within 35 s.
const LIFE: Duration = Duration::from_secs(20);
/// How long its people are still taken for here after it stopped: longer than they take to come back
/// elsewhere (4 s), so that nobody flickers.
const FAREWELL: Duration = Duration::from_secs(8);
/// How long what it left is kept for whoever clears up.
const REMAINS_SECONDS: i64 = 3_600;
/// How long the digest of the key is kept after the last process.
const SECRET_SECONDS: u64 = 60;
/// How many users are asked about, or named, at once.
const AT_ONCE: usize = 1_000;

/// Those of these users who are in other living processes.
pub(super) async fn elsewhere(
    connection: &mut MultiplexedConnection,
    shared: &Shared,
    users: &[UserId],
) -> RedisResult<Vec<UserId>> {
    let peers = shared.peers();
    if peers.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = HashSet::new();
    for some in users.chunks(AT_ONCE) {
        let mut pipe = redis::pipe();
        for peer in &peers {
            pipe.cmd("SMISMEMBER")
                .arg(shared.key(&format!("here:{peer}")));
            for user in some {
                pipe.arg(user.get());
            }
        }
        let answers: Vec<Vec<bool>> = pipe.query_async(connection).await?;
        for answer in answers {
            found.extend(
                some.iter()
                    .zip(answer)
                    .filter(|(_, is)| *is)
                    .map(|(user, _)| *user),
            );
        }
    }
    Ok(found.into_iter().collect())
}

/// Adds and removes people of this process.
pub(super) async fn seat(
    connection: &mut MultiplexedConnection,
    shared: &Shared,
    users: Vec<(UserId, bool)>,
) -> RedisResult<()> {
    let key = shared.key(&format!("here:{}", shared.node()));
    for some in users.chunks(AT_ONCE) {
        let mut pipe = redis::pipe();
        for (user, here) in some {
            let word = if *here { "SADD" } else { "SREM" };
            pipe.cmd(word).arg(&key).arg(user.get()).ignore();
        }
        pipe.exec_async(connection).await?;
    }
    Ok(())
}

/// Makes these the people of this process: who left, and whose departure got lost on the way to Redis,
/// is not in its list any more.
pub(super) async fn seat_anew(
    connection: &mut MultiplexedConnection,
    shared: &Shared,
    users: &[(UserId, bool)],
) -> RedisResult<()> {
    let key = shared.key(&format!("here:{}", shared.node()));
    let mut pipe = redis::pipe();
    // At once for all others.
    pipe.atomic().del(&key).ignore();
    let here: Vec<_> = users.iter().filter(|(_, here)| *here).collect();
    for some in here.chunks(AT_ONCE) {
        let ids: Vec<_> = some.iter().map(|(user, _)| user.get()).collect();
        pipe.sadd(&key, ids).ignore();
    }
    pipe.exec_async(connection).await
}

/// Gives a sign of life, learns who else lives, and answers whom a dead process left behind, if it is
/// on this one to clear up; and whether this process was not on the list.
pub(super) async fn beat(
    connection: &mut MultiplexedConnection,
    shared: &Shared,
) -> RedisResult<(Vec<UserId>, bool)> {
    let (me, nodes) = (shared.node(), shared.key("nodes"));
    sign_of_life(connection, shared, LIFE).await?;
    let was_given_up = connection.sadd(&nodes, me).await? == 1;
    connection
        .expire(shared.key(&format!("here:{me}")), REMAINS_SECONDS)
        .await?;
    let (mut peers, mut dead) = (Vec::new(), Vec::new());
    for node in connection.smembers(&nodes).await? {
        if node == me {
            continue;
        }
        if connection
            .exists(shared.key(&format!("alive:{node}")))
            .await?
        {
            peers.push(node);
        } else {
            dead.push(node);
        }
    }
    shared.set_peers(peers);
    connection
        .set_ex(shared.key("secret"), shared.secret(), SECRET_SECONDS)
        .await?;
    let mut vanished = Vec::new();
    for node in dead {
        vanished.extend(clear_up(connection, shared, &node).await?);
    }
    Ok((vanished, was_given_up))
}

/// Whom a dead process left behind, if nobody else clears up after it. It is taken off the list last:
/// when this fails half way, somebody tries again.
async fn clear_up(
    connection: &mut MultiplexedConnection,
    shared: &Shared,
    node: &str,
) -> RedisResult<Vec<UserId>> {
    let key = shared.key(&format!("here:{node}"));
    let mut left: Vec<UserId> = connection
        .smembers(&key)
        .await?
        .iter()
        .filter_map(|id| id.parse().ok())
        .filter(|user| !shared.interest.is_here(*user))
        .collect();
    let others = elsewhere(connection, shared, &left).await?;
    let others: HashSet<_> = others.into_iter().collect();
    left.retain(|user| !others.contains(user));
    let (taken,): (i64,) = redis::pipe()
        .atomic()
        .srem(shared.key("nodes"), node)
        .del(&key)
        .ignore()
        .query_async(connection)
        .await?;
    Ok(if taken == 1 { left } else { Vec::new() })
}

/// Looks whether all processes have the same key, and leaves a digest of it for those that come.
pub(super) async fn have_same_secret(
    connection: &mut MultiplexedConnection,
    shared: &Shared,
) -> RedisResult<bool> {
    let (key, secret) = (shared.key("secret"), shared.secret());
    // Both at once would need Redis 7.
    let (held,): (Option<String>,) = redis::pipe()
        .cmd("SET")
        .arg(&key)
        .arg(secret)
        .arg("NX")
        .arg("EX")
        .arg(SECRET_SECONDS)
        .ignore()
        .get(&key)
        .query_async(connection)
        .await?;
    Ok(held.is_none_or(|held| held == secret))
}

/// The same at the start, where it decides whether this process may be there at all.
///
/// # Errors
/// [`RedisError::SecretKey`], or `Refused`.
pub(super) async fn compare_secrets(
    connection: &mut MultiplexedConnection,
    shared: &Shared,
) -> Result<(), RedisError> {
    match have_same_secret(connection, shared).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(RedisError::SecretKey),
        Err(error) => Err(inspect::refused(error)),
    }
}

/// Says good bye. Whoever clears up then tells of those who did not come back elsewhere.
pub(super) async fn leave(
    connection: &mut MultiplexedConnection,
    shared: &Shared,
) -> RedisResult<()> {
    sign_of_life(connection, shared, FAREWELL).await
}

async fn sign_of_life(
    connection: &mut MultiplexedConnection,
    shared: &Shared,
    lasts: Duration,
) -> RedisResult<()> {
    let key = shared.key(&format!("alive:{}", shared.node()));
    let millis = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
    connection.pset_ex(key, 1, millis).await
}
