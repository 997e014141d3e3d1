//! `parlour doctor`: could the server run here, and well? It changes nothing.

mod blobs;
mod host;
mod network;
mod storage;

use crate::{config::Config, output::say};

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// One line of the report.
#[derive(Debug)]
struct Finding {
    subject: &'static str,
    verdict: Verdict,
    sentence: String,
}

impl Finding {
    fn ok(subject: &'static str, sentence: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Ok, sentence)
    }

    fn warn(subject: &'static str, sentence: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Warn, sentence)
    }

    fn fail(subject: &'static str, sentence: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Fail, sentence)
    }

    fn new(subject: &'static str, verdict: Verdict, sentence: impl Into<String>) -> Self {
        let sentence = sentence.into();
        Self {
            subject,
            verdict,
            sentence,
        }
    }

    /// `ok    clock      …`
    fn line(&self) -> String {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        };
        // A report has one line per check, whatever a source says.
        let sentence = self.sentence.replace('\n', " ");
        format!("{verdict:<5} {:<10} {sentence}", self.subject)
    }
}

/// Checks everything and prints one line each; with `blobs` also every file, with a line for each that
/// is not as it should be.
///
/// # Errors
/// When a check failed.
pub(super) async fn run(config: &Config, blobs: bool) -> anyhow::Result<()> {
    let mut findings = vec![
        Finding::ok("settings", "All settings make sense."),
        storage::data_dir(config),
        storage::disk_space(config),
        storage::database(config).await,
        network::listen(config.server.listen),
    ];
    if let Some(url) = &config.storage.redis_url {
        findings.push(storage::redis(url).await);
    }
    if let Some(url) = &config.storage.clamd_url {
        findings.push(storage::scanner(url).await);
    }
    findings.extend(config.ops.listen.map(network::listen));
    findings.push(host::clock());
    findings.push(host::open_files());
    findings.extend(
        config
            .warnings()
            .into_iter()
            .map(|warning| Finding::warn("settings", format!("{warning}."))),
    );
    if blobs {
        findings.push(blobs::check(config).await?);
    }
    for finding in &findings {
        say(&finding.line())?;
    }
    let failed = findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Fail)
        .count();
    anyhow::ensure!(failed == 0, "{failed} of {} checks failed", findings.len());
    Ok(())
}
