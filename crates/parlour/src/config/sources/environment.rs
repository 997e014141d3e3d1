//! The process's environment.

use super::Surroundings;
use crate::config::{raw::Raw, refusal::Origin};

/// Reads the variables.
pub(crate) fn read(surroundings: &Surroundings, raw: &mut Raw) {
    for (name, value) in &surroundings.environment {
        let name = name.to_string_lossy();
        let value = value.to_str().map(ToOwned::to_owned);
        raw.give_variable(&name, value, Origin::Environment);
    }
}
