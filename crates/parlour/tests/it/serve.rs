//! Starting and stopping `parlour serve`, and commands beside a running server.

use super::Place;
use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
};

/// A server that has said that it is ready.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(place: &Place, args: &[&str]) -> Self {
        let mut child = place
            .command(args)
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut ready = String::new();
        let out = child.stdout.as_mut().expect("piped");
        BufReader::with_capacity(1, out)
            .read_line(&mut ready)
            .expect("a line");
        let address = ready.trim_end().strip_prefix("listening on http://");
        Self {
            address: address.expect("the ready line").to_owned(),
            child,
        }
    }

    /// Ends it as an operator would; answers the rest of its output and its log.
    fn stop(mut self) -> (Option<i32>, String, String) {
        let told = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .expect("told");
        assert!(told.success());
        let (mut out, mut log) = (String::new(), String::new());
        let (stdout, stderr) = (self.child.stdout.as_mut(), self.child.stderr.as_mut());
        stdout
            .expect("piped")
            .read_to_string(&mut out)
            .expect("text");
        stderr
            .expect("piped")
            .read_to_string(&mut log)
            .expect("text");
        (self.child.wait().expect("ended").code(), out, log)
    }
}

#[test]
fn a_second_server_on_a_file_warns() {
    const WARNING: &str = "another server serves this database";
    let place = Place::new();
    let server = Server::start(&place, &[]);
    let (code, _, log) = Server::start(&place, &[]).stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains(WARNING) && log.contains("parlour.db"), "{log}");
    // The next server is alone as soon as this one is gone, however it went.
    let mut killed = server;
    killed.child.kill().expect("killed");
    killed.child.wait().expect("ended");
    let (code, _, log) = Server::start(&place, &[]).stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains(WARNING), "{log}");
}

#[test]
fn one_line_on_standard_output_and_the_log_as_json() {
    let place = Place::new();
    let secret = "s3cret-s3cret-s3cret";
    let server = Server::start(&place, &["--rate-limits", "off", "--metrics-token", secret]);
    let (code, out, log) = server.stop();
    assert_eq!((code, out.as_str()), (Some(0), ""), "{log}");
    // Besides the log there is one line for whoever sets the server up.
    let (told, logged): (Vec<_>, Vec<_>) = log
        .lines()
        .partition(|line| line.starts_with("first administrator: http://"));
    assert_eq!(told.len(), 1, "{log}");
    for line in logged {
        serde_json::from_str::<serde_json::Value>(line).expect("JSON, as nobody watches");
    }
    assert!(
        log.contains("RATE_LIMITS is off") && log.contains("SIGTERM"),
        "{log}"
    );
    assert!(!log.contains(secret), "{log}");
    assert!(place.path().join("data/secret_key").exists());
}

#[test]
fn commands_work_beside_a_running_server() {
    let place = Place::new();
    let server = Server::start(&place, &["serve"]);
    place.run(&["user", "create", "ada", "--admin"]).fine();
    place.run(&["user", "deactivate", "ada"]).fine();
    let ran = place.run(&["doctor", "--listen", &server.address]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("warn  port"), "{ran:?}");
    let ran = place.run(&["serve", "--listen", &server.address]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("cannot listen on"), "{ran:?}");
    assert_eq!(server.stop().0, Some(0));
}
