//! What the figures were taken on.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::workspace::Workspace;

/// Figures without these mean nothing.
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    /// In bytes.
    pub(crate) memory: u64,
    pub(crate) kernel: String,
    /// What else ran before the first server did; a busy machine explains bad figures.
    pub(crate) load: String,
    pub(crate) file_system: String,
    /// The day, UTC.
    pub(crate) date: String,
    pub(crate) commit: String,
}

/// Looks at this machine before it is put to work; what it does not tell is "unknown".
pub(crate) fn look(workspace: &Workspace, dir: Option<&Path>) -> Machine {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let data = dir.map_or_else(std::env::temp_dir, Path::to_path_buf);
    let mut stat = Command::new("stat");
    stat.args(["-f", "-c", "%T"]).arg(data);
    let mut date = Command::new("date");
    date.args(["-u", "+%Y-%m-%d"]);
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty"])
        .current_dir(&workspace.root);
    Machine {
        processor: field(&cpuinfo, "model name").unwrap_or_else(unknown),
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        memory: memory(&meminfo).unwrap_or(0),
        kernel: kernel.trim().to_owned(),
        load: load
            .split_whitespace()
            .next()
            .map_or_else(unknown, str::to_owned),
        file_system: said_by(&mut stat),
        date: said_by(&mut date),
        commit: said_by(&mut git),
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory(meminfo: &str) -> Option<u64> {
    let value = field(meminfo, "MemTotal")?;
    let kib: u64 = value.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn said_by(command: &mut Command) -> String {
    command
        .output()
        .ok()
        .filter(|output| output.status.success())
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .filter(|text| !text.is_empty())
        .unwrap_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        let text = "processor\t: 0\nmodel name\t: Quick One\n";
        assert_eq!(field(text, "model name").as_deref(), Some("Quick One"));
        assert_eq!(memory("MemTotal:       2048 kB\n"), Some(2_097_152));
        assert_eq!(memory("nothing"), None);
    }

    #[test]
    fn silence_is_unknown() {
        assert_eq!(said_by(&mut Command::new("false")), "unknown");
        assert_eq!(
            said_by(&mut Command::new("no-such-program-here")),
            "unknown"
        );
    }
}
