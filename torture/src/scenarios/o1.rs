//! O1: sockets that never read are cut, at a bounded cost, and nobody else notices.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all, try_join_all};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::bare::{Bare, Said};
use crate::meter::{self, Metrics};
use crate::pace::{Flow, Pace, Seen};
use crate::people::{people, room};
use crate::scenario::{BOTH, Context, Outcome, Scenario};

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "O1",
    what: "sockets that never read, beside others that do",
    engines: BOTH,
    run: boxed,
};

/// Messages per second, of this many bytes.
const RATE: u32 = 500;
const SIZE: usize = 1024;
/// What may wait for a socket in the server (`realtime.md`, "Slow reader").
const LIMIT: u64 = 1 << 20;
/// What may be on its way besides: the messages between two looks at the metrics, and what the
/// server's writer holds in its hands.
const SLACK: u64 = 512 << 10;
/// Memory that the server may need besides what waits for each socket.
const MEMORY: u64 = 64 << 20;
/// Small, so that the kernel takes little of what is not read.
const RECEIVE: u32 = 4 << 10;
/// By then the kernel's buffers and the server's limit are full many times over.
const CUT_WITHIN: Duration = Duration::from_secs(30);
/// The server tries to say good bye for two seconds; who reads within this time has to hear it.
const STILL_SAID: Duration = Duration::from_millis(1_500);
/// How often the counter of cut sockets is looked at.
const LOOK: Duration = Duration::from_millis(20);

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let sleepers = context.size(20, 100);
    let time = Duration::from_secs(context.size(5, 10));
    let mut stage = context.stage().await?;
    stage.setup.env.push(meter::setting());
    let (server, http) = stage.start().await?;
    let (addr, pid) = (http.addr(), server.pid());
    let all = people(&http, 20).await?;
    let flow = Flow {
        room: room(&http, &all[0], "crowd", &all).await?,
        rate: RATE,
        size: SIZE,
    };
    let pace = Pace::start(addr, flow, &all[..4], &all[4..14]).await?;
    let before = pace.watch(time).await?;
    let memory = meter::memory(pid)?;

    let tokens = all[14..].iter().cycle().take(sleepers);
    let opened = tokens.map(|person| Bare::connect_with(addr, &person.token, Some(RECEIVE)));
    let mut sockets = try_join_all(opened).await?;
    for socket in &mut sockets {
        socket.send(&json!({"type": "ping"})).await?;
    }
    let offered_from = pace.bytes();
    pace.forget();
    let begun = Instant::now();
    let mut peak = memory;
    let mut cuts = Vec::new();
    while begun.elapsed() < CUT_WITHIN {
        peak = peak.max(meter::memory(pid)?);
        let cut = Metrics::read(addr).await?;
        let cut = cut.sum("parlour_slow_closes_total", "").unwrap_or(0.0);
        while f64::from(u32::try_from(cuts.len())?) < cut {
            cuts.push((Instant::now(), pace.bytes() - offered_from));
        }
        if cuts.len() >= sleepers {
            break;
        }
        sleep(LOOK).await;
    }
    let cut_after = begun.elapsed();
    let ends = join_all(sockets.into_iter().map(read_to_the_end)).await;
    // As long as the other times, so that their figures can be compared.
    sleep(time.saturating_sub(begun.elapsed())).await;
    let during = pace.seen()?;
    let after = pace.watch(time).await?;
    ensure!(
        cut_after < CUT_WITHIN,
        "not all sockets were cut within {CUT_WITHIN:?}"
    );

    let (waited, heard) = judge(ends, &cuts)?;
    ensure!(
        waited <= LIMIT + SLACK,
        "{waited} bytes waited for a socket, more than {LIMIT}"
    );
    let growth = peak.saturating_sub(memory);
    let allowed = MEMORY + LIMIT * u64::try_from(sleepers)?;
    ensure!(growth <= allowed, "memory grew by {growth} bytes");
    let report = format!(
        "{sleepers} sockets cut after {:.1} s ({heard} were read in time to hear 4008), at most {} KiB waiting, memory +{} KiB; {}",
        cut_after.as_secs_f64(),
        waited >> 10,
        growth >> 10,
        compare(context.long, &before, &during, &after)?
    );
    server.stop().await?;
    Ok(Outcome::Passed(report))
}

/// Every socket was closed with 4008, unless it was cut so long before somebody read it that the
/// server had given up saying so. The most bytes that waited for one, and how many heard the code.
///
/// The counter does not say whose sockets were cut; who could take more was cut later.
fn judge(ends: Vec<Result<End>>, cuts: &[(Instant, u64)]) -> Result<(u64, usize)> {
    let mut ends = ends.into_iter().collect::<Result<Vec<_>>>()?;
    ends.sort_unstable_by_key(|end| (end.taken, end.code.is_some()));
    let (mut waited, mut heard) = (0, 0);
    for (end, (cut, offered)) in ends.into_iter().zip(cuts) {
        // Reading what the kernel kept takes a while as well.
        let given_up = end.at - *cut > STILL_SAID;
        match end.code {
            Some(4008) => heard += 1,
            None if given_up => {}
            _ => bail!("a socket was closed with another code: {end:?}"),
        }
        waited = waited.max(offered.saturating_sub(end.taken));
    }
    ensure!(heard > 0, "no socket heard why it was closed");
    Ok((waited, heard))
}

/// The others' latency may grow by a fifth, against the worse of the times before and after (a busy
/// machine makes single figures jump). Only the long run is long enough to judge by.
fn compare(strict: bool, before: &Seen, during: &Seen, after: &Seen) -> Result<String> {
    let quiet = before.p99.max(after.p99);
    let text = format!(
        "others' p99 {:.1?} before, {:.1?} during, {:.1?} after",
        before.p99, during.p99, after.p99
    );
    let bound = quiet.mul_f64(1.2);
    ensure!(
        !strict || during.p99 <= bound,
        "{text}: more than a fifth slower"
    );
    Ok(text)
}

/// How a socket ended.
#[derive(Debug)]
struct End {
    /// The close code, if one came.
    code: Option<u16>,
    /// Bytes of frames before it.
    taken: u64,
    at: Instant,
}

/// Reads what the kernel kept for a socket: the close code if one came, and the bytes of frames before it.
async fn read_to_the_end(mut socket: Bare) -> Result<End> {
    let reading = async {
        let mut taken = 0;
        let code = loop {
            match socket.next().await {
                Said::Text(text) => taken += u64::try_from(text.len()).unwrap_or(0),
                Said::Closed(code) => break Some(code),
                Said::Gone => break None,
            }
        };
        let at = Instant::now();
        Ok(End { code, taken, at })
    };
    timeout(CUT_WITHIN, reading).await.context("it goes on")?
}
