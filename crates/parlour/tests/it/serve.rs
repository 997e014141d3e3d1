//! Starting and stopping `parlour serve`.

use super::Place;
use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
};

#[test]
fn warns_of_what_is_dangerous_and_stops_when_told() {
    let place = Place::new();
    let mut server = place
        .command(&["--listen", "127.0.0.1:0", "--rate-limits", "off"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let mut log = BufReader::new(server.stderr.take().expect("piped"));
    let mut first = String::new();
    log.read_line(&mut first).expect("a line");
    let line: serde_json::Value = serde_json::from_str(&first).expect("JSON, as nobody watches");
    assert_eq!(line["level"], "WARN");
    assert!(first.contains("RATE_LIMITS is off"), "{first}");

    let told = Command::new("kill")
        .args(["-TERM", &server.id().to_string()])
        .status()
        .expect("told");
    assert!(told.success());
    let mut rest = String::new();
    log.read_to_string(&mut rest).expect("a log");
    let status = server.wait().expect("ended");
    assert_eq!(status.code(), Some(0), "{rest}");
    assert!(rest.contains("SIGTERM"), "{rest}");
}
