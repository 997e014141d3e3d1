//! Names that nobody else has.

use parlour_core::ports::{Random, SystemRandom};

/// `N` random bytes in hexadecimal digits.
pub(crate) fn name<const N: usize>() -> String {
    let mut bytes = [0; N];
    SystemRandom.fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
