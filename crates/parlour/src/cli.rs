//! The command line: commands from their types, flags of settings from the table.

use crate::{
    commands::Command,
    config::{Surroundings, examples, table},
};
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};
use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

/// A chat server: rooms that end, over REST and sockets.
#[derive(Debug, Parser)]
#[command(name = "parlour", version, disable_help_subcommand = true)]
#[command(after_help = "Every setting is also a flag: see --help, or docs/guide/settings.md.")]
struct Cli {
    /// Read this file instead of parlour.toml.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What the command line asks for.
pub(crate) struct Call {
    /// The command; `serve` when none was named.
    pub(crate) command: Command,
    /// Where the settings come from.
    pub(crate) surroundings: Surroundings,
}

/// Reads the command line.
///
/// # Errors
/// Mistakes, and the texts of `--help` and `--version`.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Call, clap::Error> {
    let matches = command().try_get_matches_from(args)?;
    let flags = flags_of(&matches);
    let cli = Cli::from_arg_matches(&matches)?;
    Ok(Call {
        command: cli.command.unwrap_or(Command::Serve),
        surroundings: Surroundings::of_process(flags, cli.config),
    })
}

fn command() -> clap::Command {
    Cli::command().args(examples::flags())
}

/// The settings given as flags, wherever on the line they stand.
fn flags_of(matches: &ArgMatches) -> BTreeMap<&'static str, String> {
    let mut flags = BTreeMap::new();
    let mut level = Some(matches);
    while let Some(matches) = level {
        for setting in table::all() {
            if let Ok(Some(value)) = matches.try_get_one::<String>(setting.name) {
                flags.insert(setting.name, value.clone());
            }
        }
        level = matches.subcommand().map(|(_, matches)| matches);
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(line: &str) -> Vec<(&'static str, String)> {
        let args = line.split(' ').map(OsString::from);
        let call = parse(args).unwrap_or_else(|error| panic!("{error}"));
        call.surroundings.flags.into_iter().collect()
    }

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn flags_stand_before_or_after_the_command() {
        let expected = vec![("PARLOUR_LISTEN", "[::]:80".to_owned())];
        assert_eq!(flags("parlour --listen [::]:80"), expected);
        assert_eq!(flags("parlour --listen=[::]:80 serve"), expected);
        assert_eq!(flags("parlour serve --listen [::]:80"), expected);
        assert_eq!(flags("parlour user --listen [::]:80 promote ada"), expected);
        assert_eq!(flags("parlour user promote ada --listen [::]:80"), expected);
    }

    #[test]
    fn every_setting_is_a_flag() {
        for setting in table::all() {
            let line = format!("parlour --{} x", setting.flag());
            assert_eq!(flags(&line), vec![(setting.name, "x".to_owned())]);
        }
    }

    #[test]
    fn unknown_and_doubled_flags_are_refused_with_a_hint() {
        let refusal = |line: &str| match parse(line.split(' ').map(OsString::from)) {
            Ok(_) => panic!("{line} was taken"),
            Err(error) => (error.exit_code(), error.to_string()),
        };
        let (code, text) = refusal("parlour --lisen 127.0.0.1:80");
        assert!(code == 2 && text.contains("--listen"), "{text}");
        let (code, text) = refusal("parlour --listen a --listen b");
        assert!(code == 2 && text.contains("multiple times"), "{text}");
        assert_eq!(refusal("parlour sing").0, 2);
        assert_eq!(refusal("parlour --version").0, 0);
    }
}
