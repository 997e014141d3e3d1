//! Documents made from the table of settings.

use super::{
    setting::{Fallback, Setting},
    table::{self, SECTIONS},
};
use std::fmt::Write;

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Example {
    /// `.env.example`
    Env,
    /// `parlour.example.toml`
    Toml,
    /// `docs/guide/settings.md`
    Markdown,
}

/// The text of a document.
pub(crate) fn render(example: Example) -> String {
    match example {
        Example::Env => lines(
            "# Settings of Parlour as environment variables. Copy to `.env` and uncomment what differs.\n\
             # A value with spaces, `#` or `$` needs 'single quotes'. An empty value counts as not set.\n\
             # Flags and real environment variables win over this file; it wins over parlour.toml.\n\
             # Made by `parlour config --example env`.\n",
            |setting, value| format!("# {}={value}", setting.name),
        ),
        Example::Toml => lines(
            "# Settings of Parlour. Copy to `parlour.toml` and uncomment what differs.\n\
             # Flags, environment variables and `.env` win over this file.\n\
             # Made by `parlour config --example toml`.\n",
            |setting, value| {
                let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
                let quote = if is_number { "" } else { "\"" };
                format!("# {} = {quote}{value}{quote}", setting.key())
            },
        ),
        Example::Markdown => markdown(),
    }
}

fn lines(head: &str, line: fn(&Setting, &str) -> String) -> String {
    let mut text = head.to_owned();
    for section in SECTIONS {
        let _ = write!(text, "\n## {}\n", section.title);
        for setting in section.settings {
            let (value, otherwise) = match setting.default {
                Fallback::Text(value) => (value, String::new()),
                Fallback::Derived { says, .. } => ("", format!("Default: {says}.")),
                Fallback::Unset(says) => ("", format!("Not set: {says}.")),
            };
            let _ = writeln!(text, "\n# {}", setting.doc);
            if !otherwise.is_empty() {
                let _ = writeln!(text, "# {otherwise}");
            }
            let _ = writeln!(text, "{}", line(setting, value));
        }
    }
    text
}

fn markdown() -> String {
    let mut text = "# Settings\n\n\
        <!-- Made by `parlour config --example markdown`; change crates/parlour/src/config/table.rs. -->\n\n\
        Parlour runs without any setting. Each one can be given, in this order of precedence, as\n\n\
        1. a flag (`--listen 0.0.0.0:8000`), after any command;\n\
        2. an environment variable (`PARLOUR_LISTEN=0.0.0.0:8000`);\n\
        3. a line of `.env` in the working directory;\n\
        4. a key of `parlour.toml` in the working directory, or of the file that `--config` names\n   \
           (`listen = \"0.0.0.0:8000\"`).\n\n\
        `parlour config` prints what holds and where each value comes from, with secrets hidden.\n\n\
        - An empty variable counts as not set.\n\
        - Unknown flags, unknown keys of `parlour.toml` and unknown variables that begin with\n  \
          `PARLOUR_` are refused at start, and so are values that make no sense: exit code 2, and a\n  \
          sentence for each that says where it stands and what is expected. Variables that begin\n  \
          with `PARLOUR_TEST_` are left to tests.\n\
        - Durations are written `7d`, `12h`, `1h30m`, `10s`, `500ms`; sizes `25MiB`, `25MB` or\n  \
          `26214400`. Lists are separated by commas; in `parlour.toml` they may be arrays.\n\
        - Flags are seen by everybody who may list processes: give secrets by variable or file.\n"
        .to_owned();
    for section in SECTIONS {
        let _ = write!(
            text,
            "\n## {}\n\n| variable | flag | key | default | meaning |\n|---|---|---|---|---|\n",
            section.title
        );
        for setting in section.settings {
            let default = match setting.default {
                Fallback::Text(value) => format!("`{value}`"),
                Fallback::Derived { says, .. } => says.replace('<', "&lt;"),
                Fallback::Unset(says) => format!("not set: {says}"),
            };
            let _ = writeln!(
                text,
                "| `{}` | `--{}` | `{}` | {default} | {} |",
                setting.name,
                setting.flag(),
                setting.key(),
                setting.doc
            );
        }
    }
    text
}

/// The flags of all settings, for the command line.
pub(crate) fn flags() -> impl Iterator<Item = clap::Arg> {
    table::all().map(|setting| {
        let default = match setting.default {
            Fallback::Text(value) => format!("[default: {value}]"),
            Fallback::Derived { says, .. } => format!("[default: {says}]"),
            Fallback::Unset(says) => format!("[not set: {says}]"),
        };
        clap::Arg::new(setting.name)
            .long(setting.flag())
            .value_name(setting.takes)
            .help(format!("{} {default}", setting.doc))
            .help_heading("Settings (also variables and keys of parlour.toml)")
            .hide_short_help(true)
            .global(true)
    })
}
