//! `parlour config`.

use crate::{
    config::{
        Config,
        examples::{Example, render},
    },
    output::say,
};

/// Prints the settings in force and where they come from.
pub(super) fn run(config: &Config) -> anyhow::Result<()> {
    let unset = "(not set)".to_owned();
    let rows: Vec<(&str, &String, String)> = config
        .listing
        .iter()
        .map(|listed| {
            let value = listed.value.as_ref().unwrap_or(&unset);
            (listed.name, value, listed.origin.to_string())
        })
        .collect();
    let names = rows.iter().map(|row| row.0.len()).max().unwrap_or(0);
    let values = rows.iter().map(|row| row.1.chars().count());
    let values = values.max().unwrap_or(0).min(48);
    for (name, value, origin) in &rows {
        say(&format!("{name:names$} = {value:values$}  # {origin}"))?;
    }
    Ok(())
}

/// Prints an example file.
pub(super) fn example(example: Example) -> anyhow::Result<()> {
    Ok(say(render(example).trim_end())?)
}
