use super::*;

#[test]
fn pings_keep_their_pause_and_go_out_together() {
    let config = PumpConfig::default();
    let now = config.began + Duration::from_millis(12_345);
    let mut beats: Vec<Instant> = (0..10_000)
        .map(|seed| config.next_ping(seed, now))
        .collect();
    for due in &beats {
        let pause = *due - now;
        assert!(config.ping_least <= pause && pause <= config.ping_most);
        let since = (*due - config.began).as_nanos();
        assert_eq!(since % config.ping_beat.as_nanos(), 0, "between two beats");
    }
    beats.sort_unstable();
    beats.dedup();
    assert!((18..=21).contains(&beats.len()), "{} beats", beats.len());
}

#[test]
fn pauses_shorter_than_a_beat_are_kept() {
    let config = PumpConfig {
        ping_least: Duration::from_millis(50),
        ping_most: Duration::from_millis(60),
        ..PumpConfig::default()
    };
    let pause = config.next_ping(7, config.began) - config.began;
    assert!(config.ping_least <= pause && pause <= config.ping_most);
}
