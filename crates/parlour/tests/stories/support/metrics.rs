//! /metrics as a scraper reads it.

use super::Server;

/// The figures of a moment.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// As they were served, by one process after the other.
    pub(crate) text: String,
}

impl Metrics {
    /// The token for servers whose metrics are read.
    pub(crate) const TOKEN: &str = "a-token-for-metrics-only";

    /// Reads the figures of a server that was started with [`Metrics::TOKEN`].
    pub(crate) async fn of(server: &Server) -> Self {
        let bearer = format!("Bearer {}", Self::TOKEN);
        let mut text = String::new();
        for client in server.clients() {
            let call = client.call("GET", "/metrics");
            let answer = call.header("authorization", &bearer).await;
            assert_eq!(answer.status, 200);
            text.push_str(&answer.text());
        }
        Self { text }
    }

    /// A figure by its name, and labels as they are served; without labels the sum over all of them.
    /// 0 when it never moved.
    pub(crate) fn get(&self, name: &str) -> f64 {
        self.values(name).sum()
    }

    /// Whether the figure is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = f64> + 'a {
        self.text.lines().filter_map(move |line| {
            let rest = line.strip_prefix(name)?;
            // Another figure whose name begins alike is none of ours.
            let is_it = rest.starts_with(' ') || rest.starts_with('{');
            let value = rest.rsplit(' ').next().filter(|_| is_it)?;
            Some(value.parse().unwrap_or_else(|_| panic!("{line}")))
        })
    }
}
