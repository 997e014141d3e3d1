//! `bench`: the release build of the real server, measured from outside, beside its targets.

mod fanout;
mod files;
mod machine;
mod measure;
mod nodes;
mod plan;
mod report;
mod server;
mod web;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::{Args, ValueEnum};
use tempfile::TempDir;

use self::measure::{EngineRun, Loads};
use self::server::{Database, Launcher};
use crate::engines::postgres::{Durability, Postgres};
use crate::engines::{self, Engine, TABLE, find_program};
use crate::procs::Watch;
use crate::workspace::Workspace;

/// Where the part of docs/performance.md begins that is written by hand.
const PROFILES: &str = "\n## Profiles";

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// What to measure: how messages reach many members beside other servers (the target table),
    /// requests, the pages in a browser, files, or two nodes with PostgreSQL and Redis
    #[arg(value_enum, default_value_t = What::Fanout)]
    what: What,
    /// Short runs, to see that everything works; the figures are rough
    #[arg(long)]
    quick: bool,
    /// With `requests`: the database of the server
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    engine: Engines,
    /// Write docs/performance.md as well (performance-requests.md, performance-web.md,
    /// performance-files.md, performance-nodes.md)
    #[arg(long)]
    write: bool,
    /// With `requests`: server on processor 0, load generator on processor 1
    #[arg(long)]
    pin: bool,
    /// Where the databases live while it runs: a disk, and open to the account postgres where this
    /// runs as root; the system's temporary folder when not given
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// With `fanout`: only the loads with this in their name
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// With `fanout`: run servers and generator before everything else on this machine; needs root
    #[arg(long)]
    urgent: bool,
    /// With `fanout`: measure this program instead of building one
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Build nothing: `parlour`, `parlour-bench` and `parlour-torture` are in this folder
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

impl Options {
    /// The call as it can be repeated.
    fn command_line(&self) -> String {
        let mut line = "cargo xtask bench".to_owned();
        match self.what {
            What::Fanout => {}
            What::Requests => line.push_str(" requests"),
            What::Web => line.push_str(" web"),
            What::Files => line.push_str(" files"),
            What::Nodes => line.push_str(" nodes"),
        }
        for (set, flag) in [
            (self.quick, " --quick"),
            (self.pin, " --pin"),
            (self.urgent, " --urgent"),
        ] {
            if set {
                line.push_str(flag);
            }
        }
        match self.engine {
            Engines::Both => {}
            Engines::Sqlite => line.push_str(" --engine sqlite"),
            Engines::Postgres => line.push_str(" --engine postgres"),
        }
        if let Some(part) = &self.only {
            line.push_str(&format!(" --only '{part}'"));
        }
        if self.programs.is_some() {
            line.push_str(" --programs DIR");
        }
        if self.write {
            line.push_str(" --write");
        }
        line
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    Fanout,
    Requests,
    Web,
    Files,
    Nodes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engines {
    Sqlite,
    Postgres,
    Both,
}

/// Builds, measures, prints, and writes when asked to.
pub(crate) fn run(workspace: &Workspace, watch: &Watch, options: &Options) -> Result<()> {
    let pinned = options.pin && find_program("taskset").is_some();
    ensure!(
        pinned || !options.pin,
        "--pin needs the program taskset (package util-linux)"
    );
    let built = Programs::build(workspace, watch, options)?;
    let machine = machine::look(workspace, options.dir.as_deref());
    if options.what == What::Web {
        let text = web::run(watch, &workspace.root, &built.server, &machine)?;
        println!("\n{text}");
        if options.write {
            write(workspace, web::FILE, &text)?;
        }
        return Ok(());
    }
    if options.what == What::Files {
        return measure_files(workspace, watch, options, (&built, &machine));
    }
    if options.what == What::Nodes {
        return measure_nodes(workspace, watch, options, (&built, &machine));
    }
    if options.what == What::Fanout {
        return measure_fanout(workspace, watch, options, (&built, &machine));
    }
    let mut runs = Vec::new();
    for (engine, wanted) in [
        ("SQLite", options.engine != Engines::Postgres),
        ("PostgreSQL", options.engine != Engines::Sqlite),
    ] {
        if !wanted {
            continue;
        }
        println!("\n== {engine}");
        let home = folder(options.dir.as_deref())?;
        let postgres = if engine == "PostgreSQL" {
            let rows: Vec<_> = TABLE
                .iter()
                .filter(|row| row.engine == Engine::Postgres)
                .collect();
            engines::provide(watch, &rows)?;
            Some(Postgres::start(Durability::Real, options.dir.as_deref())?)
        } else {
            None
        };
        let database = match &postgres {
            Some(server) => Database::Url(server.database("bench")?),
            None => Database::InDataDir,
        };
        let launcher = Launcher::new(&built.server, home.path(), database, pinned);
        let loads = Loads::new(&built.generator, home.path(), options.quick, pinned);
        runs.push(measure::measure(watch, engine, &launcher, &loads)?);
    }
    let text = report::render(&machine, &options.command_line(), &rows_of(&runs));
    println!("\n{text}");
    if options.write {
        write(workspace, report::FILE, &text)?;
    }
    Ok(())
}

fn measure_files(
    workspace: &Workspace,
    watch: &Watch,
    options: &Options,
    (built, machine): (&Programs, &machine::Machine),
) -> Result<()> {
    let home = folder(options.dir.as_deref())?;
    let launcher = Launcher::new(&built.server, home.path(), Database::InDataDir, false)
        .with("MAX_UPLOAD_BYTES", "200MiB");
    let command = options.command_line();
    let programs = (&launcher, built.generator.as_path());
    let text = files::run(watch, programs, options.quick, (machine, &command))?;
    println!("\n{text}");
    if options.write {
        let before = std::fs::read_to_string(workspace.root.join(files::FILE));
        let text = text + profiles(&before.unwrap_or_default());
        write(workspace, files::FILE, &text)?;
    }
    Ok(())
}

fn measure_nodes(
    workspace: &Workspace,
    watch: &Watch,
    options: &Options,
    (built, machine): (&Programs, &machine::Machine),
) -> Result<()> {
    let rows: Vec<_> = TABLE
        .iter()
        .filter(|row| matches!(row.engine, Engine::Postgres | Engine::Redis))
        .collect();
    engines::provide(watch, &rows)?;
    let home = folder(options.dir.as_deref())?;
    let programs = nodes::Programs {
        server: &built.server,
        generator: &built.generator,
        torture: built.torture.as_deref().context("no torture built")?,
    };
    let place = (home.path(), options.quick);
    let command = options.command_line();
    let text = nodes::run(watch, &programs, place, (machine, &command))?;
    println!("\n{text}");
    if options.write {
        let before = std::fs::read_to_string(workspace.root.join(nodes::FILE));
        let text = text + profiles(&before.unwrap_or_default());
        write(workspace, nodes::FILE, &text)?;
    }
    Ok(())
}

fn measure_fanout(
    workspace: &Workspace,
    watch: &Watch,
    options: &Options,
    (built, machine): (&Programs, &machine::Machine),
) -> Result<()> {
    let home = folder(options.dir.as_deref())?;
    let plan = fanout::Plan {
        watch,
        root: &workspace.root,
        server: &built.server,
        generator: &built.generator,
        home: home.path(),
        quick: options.quick,
        urgent: options.urgent,
        only: options.only.as_deref(),
        command: &options.command_line(),
    };
    let text = fanout::run(&plan, machine)?;
    println!("\n{text}");
    if options.write {
        let before = std::fs::read_to_string(workspace.root.join(fanout::FILE));
        let text = text + profiles(&before.unwrap_or_default());
        write(workspace, fanout::FILE, &text)?;
    }
    Ok(())
}

/// What people wrote about the figures: it stays when the figures are written anew.
fn profiles(before: &str) -> &str {
    before.find(PROFILES).map_or("", |at| &before[at..])
}

fn write(workspace: &Workspace, file: &str, text: &str) -> Result<()> {
    let path = workspace.root.join(file);
    if let Some(docs) = path.parent() {
        std::fs::create_dir_all(docs)?;
    }
    std::fs::write(&path, text).with_context(|| format!("cannot write {file}"))?;
    println!("written to {file}");
    Ok(())
}

fn rows_of(runs: &[EngineRun]) -> Vec<plan::Row> {
    runs.iter().flat_map(plan::rows).collect()
}

fn folder(parent: Option<&Path>) -> Result<TempDir> {
    let parent = parent.map_or_else(std::env::temp_dir, Path::to_path_buf);
    tempfile::Builder::new()
        .prefix("parlour-bench-")
        .tempdir_in(&parent)
        .with_context(|| format!("cannot make a folder in {}", parent.display()))
}

/// Copies of what was built: another checkout that shares the target folder may build meanwhile.
struct Programs {
    server: PathBuf,
    generator: PathBuf,
    /// For `nodes` alone.
    torture: Option<PathBuf>,
    _folder: TempDir,
}

impl Programs {
    /// Builds the generator, and the server where no other one is `given`.
    fn build(workspace: &Workspace, watch: &Watch, options: &Options) -> Result<Self> {
        let given = options.server.as_deref();
        let tortured = options.what == What::Nodes;
        if let Some(folder) = &options.programs {
            return Ok(Self {
                server: folder.join("parlour"),
                generator: folder.join("parlour-bench"),
                torture: tortured.then(|| folder.join("parlour-torture")),
                _folder: self::folder(None)?,
            });
        }
        let mut build = workspace.cargo(&["build", "--release", "-p", "parlour-bench"]);
        if given.is_none() {
            build.args(["-p", "parlour"]);
        }
        if tortured {
            build.args(["-p", "parlour-torture"]);
        }
        let finished = watch.stream(&mut build)?;
        ensure!(finished.status.success(), "the release build failed");
        let release = workspace.target_dir()?.join("release");
        let kept = folder(None)?;
        let keep = |name: &str, from: &Path| -> Result<PathBuf> {
            let to = kept.path().join(name);
            std::fs::copy(from, &to).with_context(|| format!("no {name} built"))?;
            Ok(to)
        };
        let server = given.map_or_else(|| release.join("parlour"), Path::to_path_buf);
        Ok(Self {
            server: keep("parlour", &server)?,
            generator: keep("parlour-bench", &release.join("parlour-bench"))?,
            torture: tortured
                .then(|| keep("parlour-torture", &release.join("parlour-torture")))
                .transpose()?,
            _folder: kept,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_stays() {
        let before = "# Performance\n\n| old |\n\n## Profiles\n\nWhere it goes.\n";
        assert_eq!(profiles(before), "\n## Profiles\n\nWhere it goes.\n");
        assert_eq!(profiles("# Performance\n"), "");
    }

    #[test]
    fn the_command_can_be_repeated() {
        let options = Options {
            what: What::Requests,
            quick: true,
            engine: Engines::Sqlite,
            write: true,
            pin: false,
            dir: None,
            only: None,
            urgent: false,
            server: None,
            programs: None,
        };
        let line = "cargo xtask bench requests --quick --engine sqlite --write";
        assert_eq!(options.command_line(), line);
        let options = Options {
            what: What::Fanout,
            engine: Engines::Both,
            only: Some("x 1000".to_owned()),
            ..options
        };
        let line = "cargo xtask bench --quick --only 'x 1000' --write";
        assert_eq!(options.command_line(), line);
    }
}
