//! How many rooms, and how many members each.

use std::fmt;
use std::str::FromStr;

/// Written `10x100`: ten rooms of a hundred members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// At least 1.
    pub(crate) rooms: usize,
    /// Of each room; at least 1.
    pub(crate) members: usize,
}

impl Shape {
    /// One for each member of each room.
    pub(crate) fn connections(self) -> usize {
        self.rooms * self.members
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}x{}", self.rooms, self.members)
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
        text.split_once('x')
            .and_then(|(rooms, members)| {
                Some(Self {
                    rooms: number(rooms)?,
                    members: number(members)?,
                })
            })
            .ok_or_else(|| format!("{text}: rooms and members are written like 10x100"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_read_as_they_are_written() {
        let shape: Shape = "10x100".parse().expect("a shape");
        assert_eq!(
            (shape.rooms, shape.members, shape.connections()),
            (10, 100, 1000)
        );
        assert_eq!(shape.to_string(), "10x100");
        for bad in ["", "10", "0x5", "5x0", "ax5", "1x2x3"] {
            assert!(bad.parse::<Shape>().is_err(), "{bad}");
        }
    }
}
