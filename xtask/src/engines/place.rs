//! Where an engine runs and is reached: on loopback, or in a network of its own.

use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::process::Command;

/// An address to listen on, and the words that start a program where this address exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it listens.
    pub address: Ipv4Addr,
    /// Words before the program, such as `ip netns exec` and a name. They must become the program (exec), so
    /// that the process id stays.
    pub wrapper: Vec<String>,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            address: Ipv4Addr::LOCALHOST,
            wrapper: Vec::new(),
        }
    }
}

impl Place {
    /// Whether it is loopback, as everybody sees it.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        self.wrapper.is_empty()
    }

    /// This program, to be started there.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        match self.wrapper.split_first() {
            None => Command::new(program),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_comes_after_the_words_of_its_place() {
        assert_eq!(Place::default().command("true").get_program(), "true");
        let place = Place {
            wrapper: ["env", "-i"].map(str::to_owned).to_vec(),
            ..Place::default()
        };
        assert!(!place.is_usual());
        let output = place.command("env").output().expect("it ran");
        assert!(output.status.success() && output.stdout.is_empty());
    }
}
