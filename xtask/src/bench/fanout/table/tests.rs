use super::super::loads::LOADS;
use super::*;

fn sample(rate: f64, cpu: f64) -> Sample {
    Sample {
        connections: 10_000,
        delivered_per_second: rate,
        p50_us: 400.0,
        p99_us: 2000.0,
        server_cpu_us_per_delivery: Some(cpu),
        server_cpu_share: Some(0.005),
        memory_per_connection: Some(5000.0),
        ..Sample::default()
    }
}

fn document(loads: &[&Load], results: &Results, sync_us: f64) -> String {
    let machine = Machine {
        processor: "Quick One".into(),
        cores: 2,
        memory: 1,
        kernel: "k".into(),
        load: "0.1".into(),
        file_system: "ext4".into(),
        date: "2026-11-21".into(),
        commit: "c".into(),
    };
    let syncs = Syncs {
        p50_us: sync_us,
        ..Syncs::default()
    };
    render(&Report {
        machine: &machine,
        command: "cargo xtask bench",
        syncs: &syncs,
        pinned: true,
        quick: false,
        loads,
        results,
    })
}

/// The line of the table that begins so, by columns.
fn line(document: &str, what: &str) -> Vec<String> {
    let line = document
        .lines()
        .find(|line| line.starts_with(&format!("| {what}")))
        .unwrap_or_else(|| panic!("no line {what} in\n{document}"));
    line.split(" | ")
        .map(|cell| cell.trim().to_owned())
        .collect()
}

#[test]
fn rates_are_compared_and_missing_peers_say_why() {
    let load = &LOADS[3];
    let mut results = Results::default();
    results.insert(load, Contestant::Parlour, Ok(sample(900_000.0, 0.2)));
    results.insert(load, Contestant::Bun, Ok(sample(1_000_000.0, 0.2)));
    results.insert(load, Contestant::BunFull, Ok(sample(600_000.0, 0.3)));
    results.insert(
        load,
        Contestant::BunNormal,
        Err("no | npm\nat all".to_owned()),
    );
    results.insert(load, Contestant::ParlourV2, Ok(sample(450_000.0, 0.4)));
    let text = document(&[load], &results, 0.0);
    let title = |who: Contestant| format!("{}; {}", load.title, who.title());
    let bun = line(&text, &title(Contestant::Bun));
    assert_eq!(
        bun[1..6],
        ["900 k/s", "1.00 M/s", "0.90", ">= 1.0", "**no**"]
    );
    let full = line(&text, &title(Contestant::BunFull));
    assert_eq!(full[3..6], ["1.50", ">= 1.3", "yes"]);
    assert_eq!(full[6], "0.20 / 0.30 (1.50)");
    let normal = line(&text, &title(Contestant::BunNormal));
    assert_eq!(normal[2], "did not run: no / npm");
    let second = line(&text, &title(Contestant::ParlourV2));
    assert_eq!(second[3..6], ["0.50", "", ""]);
}

#[test]
fn figures_of_a_busy_machine_say_so() {
    let load = &LOADS[3];
    let mut results = Results::default();
    let busy = Sample {
        others_cpu_share: 1.2,
        ..sample(1_000_000.0, 0.2)
    };
    results.insert(load, Contestant::Parlour, Ok(sample(2_000_000.0, 0.2)));
    results.insert(load, Contestant::Bun, Ok(busy));
    let text = document(&[load], &results, 0.0);
    let what = format!("{}; {}", load.title, Contestant::Bun.title());
    assert_eq!(line(&text, &what)[5], "yes, but busy");
}

#[test]
fn processor_time_decides_only_where_the_disk_bounds_the_loop() {
    let load = &LOADS[0];
    let mut results = Results::default();
    results.insert(load, Contestant::Parlour, Ok(sample(800_000.0, 0.82)));
    results.insert(load, Contestant::Bun, Ok(sample(1_000_000.0, 0.8)));
    let what = format!("{}; {}", load.title, Contestant::Bun.title());
    // A round takes 1 ms: 50 us more leave 95 %, 200 us more leave 83 %.
    let quick_disk = line(&document(&[load], &results, 50.0), &what);
    assert_eq!(quick_disk[4..6], [">= 0.9", "**no**"]);
    let slow_disk = line(&document(&[load], &results, 200.0), &what);
    assert!(slow_disk[4].contains("1.02 x"), "{slow_disk:?}");
    assert_eq!(slow_disk[5], "yes");
    results.insert(load, Contestant::Parlour, Ok(sample(800_000.0, 1.0)));
    let costly = line(&document(&[load], &results, 200.0), &what);
    assert_eq!(costly[5], "**no**");
}

#[test]
fn latency_and_idle_have_limits_of_their_own() {
    let mut results = Results::default();
    for load in [&LOADS[7], &LOADS[10]] {
        for who in load.contestants() {
            results.insert(load, *who, Ok(sample(1.0, 1.0)));
        }
    }
    let text = document(&[&LOADS[7], &LOADS[10]], &results, 0.0);
    assert_eq!(line(&text, "p50 at 270")[5], "yes");
    assert_eq!(
        line(&text, "p99 at 270")[3..6],
        ["1.00", "<= 1.5 ms", "**no**"]
    );
    let memory = line(&text, "memory each of 10000 idle");
    assert_eq!(
        memory[1..6],
        ["4.9 KiB", "4.9 KiB", "1.00", "<= 4.0 KiB", "**no**"]
    );
    assert_eq!(line(&text, "CPU of 10000 idle")[5], "yes");
    let fewer = Sample {
        connections: 800,
        ..sample(1.0, 1.0)
    };
    results.insert(&LOADS[10], Contestant::Parlour, Ok(fewer));
    let text = document(&[&LOADS[10]], &results, 0.0);
    assert!(
        text.contains("800 idle connections (the hard limit"),
        "{text}"
    );
}

#[test]
fn one_fault_of_ours_is_enough_and_a_load_that_did_not_run_is_not_met() {
    let mut results = Results::default();
    let bad = Sample {
        lost: 1,
        ..sample(1.0, 1.0)
    };
    results.insert(&LOADS[1], Contestant::Parlour, Err("it died".to_owned()));
    let text = document(&[&LOADS[1]], &results, 0.0);
    assert_eq!(line(&text, LOADS[1].title)[1], "did not run: it died");
    assert_eq!(line(&text, "lost, twice")[5], "yes");
    results.insert(&LOADS[2], Contestant::ParlourV2, Ok(bad));
    results.insert(&LOADS[2], Contestant::Bun, Ok(sample(1.0, 1.0)));
    let bad = Sample {
        closed: 1,
        ..sample(9.0, 1.0)
    };
    results.insert(&LOADS[2], Contestant::Parlour, Ok(bad));
    let text = document(&[&LOADS[1], &LOADS[2]], &results, 0.0);
    assert_eq!(line(&text, "lost, twice")[5], "**no**");
    let what = format!("{}; {}", LOADS[2].title, Contestant::Bun.title());
    assert_eq!(line(&text, &what)[3..6], ["9.00", ">= 0.9", "**no**"]);
}

#[test]
fn socket_io_is_compared_by_processor_time() {
    let load = &LOADS[9];
    let mut results = Results::default();
    results.insert(load, Contestant::ParlourSio, Ok(sample(900_000.0, 1.0)));
    results.insert(load, Contestant::NodeSio, Ok(sample(80_000.0, 12.0)));
    let text = document(&[load], &results, 0.0);
    let found = line(&text, "per core-second: Socket.IO clients");
    assert_eq!(
        found[1..6],
        ["1000 k/core-s", "83 k/core-s", "12.00", ">= 5.0", "yes"]
    );
}
