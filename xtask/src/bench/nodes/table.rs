//! The figures as a page.

use super::{Fanout, Measured, Visits};
use crate::bench::machine::Machine;

/// The bounds of the specification.
const P50_MS: f64 = 1.0;
const P99_MS: f64 = 5.0;
const FAR_TO_NEAR: f64 = 1.2;
const SENDS: f64 = 5_000.0;
/// Joining and leaving among many rooms may cost so much more than among few: it does not grow with
/// their number, and these runs are short.
const MANY_TO_FEW: f64 = 1.5;

/// What, figure, target, whether the target is met.
struct Line(&'static str, String, String, Option<bool>);

impl Line {
    fn figure(what: &'static str, figure: String) -> Self {
        Self(what, figure, String::new(), None)
    }

    fn at_most(what: &'static str, value: f64, most: f64, unit: &str) -> Self {
        let target = format!("<= {most}{unit}");
        Self(
            what,
            format!("{value:.2}{unit}"),
            target,
            Some(value <= most),
        )
    }
}

/// The whole page.
pub(super) fn render(machine: &Machine, command: &str, measured: &Measured) -> String {
    let mut text = format!(
        "# Performance of two nodes\n\n\
         Written by `{command}` on {}, commit {}: two release builds of the server, PostgreSQL with real\n\
         durability, Redis and the load generator on one machine ({}, {} cores, load {} before and {} after).\n\
         Nothing is bound to a core. A room of 100, 10 of whom send at the near node; a delivery is one message\n\
         reaching one member. CPU is of whole processes; near, it has the storing of the messages in it. Other work on\n\
         the machine disturbs every latency here: compare those of one node and of two.\n\n\
         | what | measured | target | |\n|---|---:|---:|---|\n",
        machine.date, machine.commit, machine.processor, machine.cores, machine.load, measured.load
    );
    for Line(what, figure, target, met) in lines(measured) {
        let met = match met {
            None => "",
            Some(true) => "met",
            Some(false) => "**missed**",
        };
        text.push_str(&format!("| {what} | {figure} | {target} | {met} |\n"));
    }
    text.push_str(&format!(
        "\nOne of two nodes restarts and all its sockets resume, half of them at each (`cargo xtask torture \
         --nodes 2 --long O4`;\nat most 10 s, at most 2 reads of the database per room): {}\n",
        measured.restart
    ));
    text
}

fn lines(measured: &Measured) -> Vec<Line> {
    let mut lines = latencies(measured);
    lines.extend(costs(measured));
    lines.extend(messages(measured));
    lines.extend(sends(measured));
    lines.extend(rooms(measured));
    lines
}

fn latencies(measured: &Measured) -> Vec<Line> {
    let far = measured.across.far.clone().unwrap_or_default();
    let ms = |us: f64| format!("{:.2} ms", us / 1e3);
    let runs = [&measured.alone, &measured.across, &measured.crowded];
    let faults: u64 = runs
        .iter()
        .map(|run| run.lost + run.duplicated + run.out_of_order + run.closed)
        .sum();
    vec![
        Line::figure(
            "270 messages/s, all members at one node: p50",
            ms(measured.alone.p50_us),
        ),
        Line::figure("the same: p99", ms(measured.alone.p99_us)),
        Line::at_most(
            "270 messages/s, across the bus: p50",
            far.p50_us / 1e3,
            P50_MS,
            " ms",
        ),
        Line::at_most("the same: p99", far.p99_us / 1e3, P99_MS, " ms"),
        Line::at_most(
            "lost, twice, out of order, closed in all runs",
            faults as f64,
            0.0,
            "",
        ),
    ]
}

/// Processor time of each delivery in microseconds: near, far.
fn per_delivery(run: &Fanout) -> (f64, f64) {
    let far = run.far.clone().unwrap_or_default().delivered;
    let near = run.delivered.saturating_sub(far);
    let each = |share: f64, count: u64| share * run.seconds * 1e6 / count.max(1) as f64;
    let far_share = run.watched_cpu_share.first().copied().unwrap_or_default();
    (
        each(run.server_cpu_share.unwrap_or_default(), near),
        each(far_share, far),
    )
}

/// Processor time of each message in microseconds, of Redis and of PostgreSQL.
fn per_message(run: &Fanout) -> (f64, f64) {
    let each = |at: usize| {
        let share = run.watched_cpu_share.get(at).copied().unwrap_or_default();
        share * 1e6 / run.sent_per_second.max(1.0)
    };
    (each(1), each(2))
}

fn costs(measured: &Measured) -> Vec<Line> {
    let us = |value: f64| format!("{value:.2} us");
    let (near, far) = per_delivery(&measured.across);
    let (near_crowded, far_crowded) = per_delivery(&measured.crowded);
    let (redis, postgres) = per_message(&measured.across);
    let (redis_crowded, postgres_crowded) = per_message(&measured.crowded);
    let busy = measured.crowded.others_cpu_share;
    vec![
        Line::figure("CPU of a delivery at 270 messages/s, near", us(near)),
        Line::figure("the same, far", us(far)),
        Line::at_most("far to near", far / near, FAR_TO_NEAR, ""),
        Line::figure(
            "8 outstanding, half of the members at each node",
            format!("{:.0} deliveries/s", measured.crowded.delivered_per_second),
        ),
        Line::figure("CPU of a delivery then, near", us(near_crowded)),
        Line::figure("the same, far", us(far_crowded)),
        Line::at_most("far to near", far_crowded / near_crowded, FAR_TO_NEAR, ""),
        Line::figure("CPU of Redis for a message at 270/s", us(redis)),
        Line::figure("the same with 8 outstanding", us(redis_crowded)),
        Line::figure("CPU of PostgreSQL for a message at 270/s", us(postgres)),
        Line::figure("the same with 8 outstanding", us(postgres_crowded)),
        Line::figure(
            "cores used meanwhile by the generator, and by others",
            format!("{:.2}, {busy:.2}", measured.crowded.generator_cpu_share),
        ),
    ]
}

/// What is left of a node's processor time for a message when its deliveries are taken away: near (taking
/// and storing it) and far (hearing of it), in microseconds.
fn without_deliveries(measured: &Measured) -> (f64, f64) {
    let run = &measured.narrow;
    let messages = (run.sent_per_second * run.seconds).max(1.0);
    let far = run.far.clone().unwrap_or_default().delivered as f64 / messages;
    let near = run.delivered as f64 / messages - far;
    let (near_us, far_us) = per_delivery(run);
    let (_, delivery) = per_delivery(&measured.across);
    (near * (near_us - delivery), far * (far_us - delivery))
}

fn messages(measured: &Measured) -> Vec<Line> {
    let us = |value: f64| format!("{value:.0} us");
    let (near, far) = without_deliveries(measured);
    let (redis, postgres) = per_message(&measured.narrow);
    let (redis_alone, _) = per_message(&measured.alone);
    vec![
        Line::figure(
            "CPU of the near node for a message at 500/s, without its deliveries",
            us(near),
        ),
        Line::figure("the same, far: a frame of the bus", us(far)),
        Line::figure("CPU of Redis then, two nodes listen", us(redis)),
        Line::figure(
            "CPU of Redis at 270/s when one node listens",
            us(redis_alone),
        ),
        Line::figure("CPU of PostgreSQL then, for each message", us(postgres)),
        Line::figure(
            "bytes into Redis for each message of 64 bytes",
            format!("{:.0} bytes", measured.frame_bytes),
        ),
        Line::figure(
            "PostgreSQL grows for each message of 64 bytes by",
            format!("{:.0} bytes", measured.message_bytes),
        ),
    ]
}

fn sends(measured: &Measured) -> Vec<Line> {
    let sends = &measured.sends;
    let met = sends.per_second >= SENDS && sends.errors == 0;
    vec![
        Line(
            "durable sends by REST over both nodes, 64 connections",
            format!("{:.0}/s", sends.per_second),
            format!(">= {SENDS}/s"),
            Some(met),
        ),
        Line::figure("the same: p50", format!("{:.1} ms", sends.p50_us / 1e3)),
        Line::figure("the same: p99", format!("{:.1} ms", sends.p99_us / 1e3)),
    ]
}

fn rooms(measured: &Measured) -> Vec<Line> {
    let rooms = &measured.rooms;
    let each = |visits: &Visits| {
        let Visits {
            join_p50_us,
            leave_p50_us,
            cpu_us,
        } = visits;
        format!("{join_p50_us:.0} us, {leave_p50_us:.0} us, {cpu_us:.0} us")
    };
    let grown = rooms.many.cpu_us / rooms.few.cpu_us.max(1.0);
    vec![
        Line::figure(
            "rooms with listeners on both nodes",
            rooms.rooms.to_string(),
        ),
        Line::at_most(
            "subscriptions at Redis per room and node",
            rooms.subscriptions as f64 / (2 * rooms.rooms.max(1)) as f64,
            1.0,
            "",
        ),
        Line::figure(
            "few rooms: join p50, leave p50, CPU of both",
            each(&rooms.few),
        ),
        Line::figure("all rooms: the same", each(&rooms.many)),
        Line::at_most(
            "CPU of joining and leaving, all rooms to few",
            grown,
            MANY_TO_FEW,
            "",
        ),
        Line::figure(
            "CPU of a node that listens in all of them, idle",
            format!("{:.1} % of a core", rooms.idle_cpu_share * 100.0),
        ),
        Line::figure(
            "CPU of PostgreSQL meanwhile: both nodes compare positions",
            format!("{:.1} % of a core", rooms.idle_database_cpu_share * 100.0),
        ),
        Line::figure(
            "memory for each room listened in",
            format!("{:.1} KiB", rooms.memory_per_room / 1024.0),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::Far;
    use super::*;

    #[test]
    fn processor_time_is_divided_by_what_each_node_delivered() {
        let run = Fanout {
            seconds: 2.0,
            sent_per_second: 500.0,
            delivered: 100_000,
            server_cpu_share: Some(0.25),
            far: Some(Far {
                delivered: 40_000,
                ..Far::default()
            }),
            watched_cpu_share: vec![0.1, 0.05, 0.2],
            ..Fanout::default()
        };
        let (near, far) = per_delivery(&run);
        assert!((near - 8.333).abs() < 0.001 && (far - 5.0).abs() < 0.001);
        assert_eq!(per_message(&run), (100.0, 400.0));
    }

    #[test]
    fn a_miss_is_told() {
        let Line(_, figure, target, met) = Line::at_most("x", 1.234, 1.2, " ms");
        assert_eq!((figure.as_str(), target.as_str()), ("1.23 ms", "<= 1.2 ms"));
        assert_eq!(met, Some(false));
    }
}
